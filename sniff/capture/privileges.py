"""Giving up what only the opening of a socket needed: root's rights, and capabilities."""

import ctypes
import os
import sys
from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

_CAPABILITY_VERSION_3 = 0x20080522
_PR_SET_KEEPCAPS = 8
_PR_SET_NO_NEW_PRIVS = 38
_CAP_DAC_READ_SEARCH, _CAP_SYS_PTRACE = 2, 19


def drop(folders: Iterable[str] = ()) -> None:
    """From here on this process can do no more than the user who started it.

    Started by sudo, it becomes the user who called sudo, unless that user may not write into `folders`, where files will
    be made, or may not read this Python, of which more will be imported. Root that stays root, and a user with
    capabilities, lose all capabilities.
    """
    if sys.platform == "win32":
        return
    if os.geteuid() == 0 and (user := _caller()) is not None:
        uid, gid = user
        if _may_go_on(folders, uid, gid):
            with suppress(OSError):     # inside a container there may be nobody with that number
                os.setgroups([gid])
                os.setgid(gid)
                os.setuid(uid)
                return
    _drop_capabilities()


def keep_looking() -> None:
    """From here on this process can do no more than the user who started it, and look at the open files of all processes,
    if it could before: the two capabilities that reading /proc/PID/fd takes stay.
    """
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    now = (ctypes.c_uint32 * 6)()
    libc.capget(header, now)
    wanted = now[1] & (1 << _CAP_DAC_READ_SEARCH | 1 << _CAP_SYS_PTRACE)       # of those it may have, the lower 32
    if os.geteuid() == 0 and (user := _caller()) is not None:
        libc.prctl(_PR_SET_KEEPCAPS, 1, 0, 0, 0)
        with suppress(OSError):
            os.setgroups([user[1]])
            os.setgid(user[1])
            os.setuid(user[0])
    libc.capset(header, (ctypes.c_uint32 * 6)(wanted, wanted, 0, 0, 0, 0))
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def _caller() -> tuple[int, int] | None:
    """(uid, gid) of the user who called sudo."""
    try:
        uid, gid = int(os.environ["SUDO_UID"]), int(os.environ["SUDO_GID"])
    except (KeyError, ValueError):
        return None
    return (uid, gid) if uid > 0 and gid >= 0 else None


def _may_go_on(folders: Iterable[str], uid: int, gid: int) -> bool:
    try:
        os.setegid(gid)
        os.seteuid(uid)
        needed = (str(Path(os.__file__).parent), str(Path(__file__).parents[1]))
        return (all(os.access(folder, os.W_OK | os.X_OK, effective_ids=True) for folder in folders)
                and all(os.access(folder, os.R_OK | os.X_OK, effective_ids=True) for folder in needed))
    except OSError:
        return False
    finally:
        os.seteuid(0)
        os.setegid(0)


def _drop_capabilities() -> None:
    if not sys.platform.startswith("linux"):
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_CAPABILITY_VERSION_3, 0)
    libc.capset(header, (ctypes.c_uint32 * 6)())
    libc.prctl(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)
