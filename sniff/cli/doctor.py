"""`sniff doctor`: what is there, what is missing, and what to do about it."""

import os
import re
import shutil
import subprocess
import sys
from collections.abc import Iterator
from importlib import metadata
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

from sniff._version import __version__
from sniff.cli._click import click

PACKAGE = Path(__file__).parent.parent

NEEDED = ("numpy", "rich", "rich-click", "scapy", "pyshark", "dnspython", "brotli", "zstandard", "lz4",
          "charset-normalizer", "python-multipart", "hpack", "jinja2", "psutil")
"""Distributions that an install brings along."""

OPTIONAL = {"pyarrow": "Parquet output", "duckdb": "SQL", "dask": "clusters"}

TOOLS = {"tshark": "a second opinion (sniff verify)"}

Line = tuple[bool | None, str, str]
"""(fine, wrong or neither; what it is about; what was found and what to do)."""


@click.command("doctor")
def command() -> int:
    """Say what sniff finds on this machine, and what to do about what is missing.

    Ends with status 1 when something sniff needs is missing or broken.
    """
    wrong = False
    for fine, subject, text in [*_python(), *_compiled(), *_libraries(), *_tools(), *_capture()]:
        mark, color = {True: ("ok", "green"), False: ("!!", "red"), None: ("--", "yellow")}[fine]
        click.echo(f"{click.style(mark, fg=color)}  {subject:<18} {text}")
        wrong = wrong or fine is False
    return int(wrong)


def _python() -> Iterator[Line]:
    """The interpreter and the system."""
    import platform
    yield True, "sniff", f"{__version__} in {PACKAGE}"
    yield (sys.version_info >= (3, 11), "Python", f"{platform.python_version()} at {sys.executable}"
           + ("" if sys.version_info >= (3, 11) else "; sniff needs 3.11 or newer"))
    yield True, "platform", platform.platform()


def loops() -> dict[str, bool]:
    """{module: whether it runs compiled} of the modules meant to be compiled: those that import cython."""
    found = {}
    for path in sorted(PACKAGE.rglob("*.py")):
        if re.search(r"^import cython$", path.read_text("utf-8"), re.MULTILINE):
            name = ".".join(("sniff", *path.relative_to(PACKAGE).with_suffix("").parts))
            found[name] = any(path.with_suffix(suffix).exists() for suffix in EXTENSION_SUFFIXES)
    return found


def _compiled() -> Iterator[Line]:
    """Whether the compiled loops are compiled: the difference is a factor of a hundred."""
    modules = loops()
    slow = [name for name, compiled in modules.items() if not compiled]
    if not slow:
        yield True, "compiled loops", f"all {len(modules)}"
        return
    missing = "all" if len(slow) == len(modules) else ", ".join(slow)
    compiler = next(filter(None, map(shutil.which, ("cc", "gcc", "clang"))), None)
    first = "" if compiler else "install a C compiler (apt install gcc, xcode-select --install), then "
    text = (f"{len(slow)} of {len(modules)} run uncompiled, which is right but slow ({missing}); "
            f"{first}install sniff again: pip install --force-reinstall --no-deps <where sniff came from>")
    yield None, "compiled loops", text


def _libraries() -> Iterator[Line]:
    """Versions of the libraries."""
    there, missing = [], []
    for name in NEEDED:
        try:
            there.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    yield True, "libraries", ", ".join(there)
    if missing:
        yield False, "libraries", f"missing: {', '.join(missing)}; pip install {' '.join(missing)}"
    for name, purpose in OPTIONAL.items():
        try:
            yield True, name, metadata.version(name)
        except metadata.PackageNotFoundError:
            yield None, name, f"not installed; only needed for {purpose}: pip install {name}"


def _tools() -> Iterator[Line]:
    """Programs that sniff can use."""
    for name, purpose in TOOLS.items():
        path = shutil.which(name)
        if path is None:
            yield None, name, f"not found; only needed for {purpose}"
            continue
        try:
            done = subprocess.run([path, "--version"], capture_output=True, text=True, timeout=20, check=False)
            version = next(iter(done.stdout.splitlines()), "").strip()
        except (OSError, subprocess.TimeoutExpired) as error:
            version = f"does not run: {error}"
        yield True, name, f"{version} ({path})"


def _capture() -> Iterator[Line]:
    """Whether this user may capture."""
    import socket
    if not hasattr(socket, "AF_PACKET"):
        yield None, "live capture", "through libpcap; run with sudo if opening an interface is refused"
        return
    try:
        socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0).close()
    except PermissionError:
        python = os.path.realpath(sys.executable)
        allow = f"sudo setcap cap_net_raw,cap_net_admin+eip {python}"
        yield None, "live capture", f"not allowed for this user: use sudo, or once: {allow}"
    except OSError as error:
        yield None, "live capture", f"not possible here: {error.strerror}"
    else:
        yield True, "live capture", "allowed"
