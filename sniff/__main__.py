"""The program: `sniff` and `python -m sniff`. Whatever happens, what the user sees is one line and an exit status."""

import gc
import os
import sys
from contextlib import suppress


def main(arguments: list[str] | None = None) -> int:
    """Run one command line; its exit status.

    0 done, 1 the input could not be read or broke off, 2 the command line is wrong. A reader of our output that went
    away (`| head`) is no error. With SNIFF_DEBUG set, an error inside sniff shows its traceback.
    """
    arguments = sys.argv[1:] if arguments is None else arguments
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")    # NumPy's linear algebra, which nobody here needs: its threads spin
    gc.set_threshold(200_000, 20, 50)   # a batch makes many objects and no cycles: looking for them takes a third of the time
    try:
        status = _run(arguments)
        _flush()
    except BrokenPipeError:
        status = 0
        _silence()
    except KeyboardInterrupt:
        status = 130    # 128 + SIGINT, as shells say it
        _silence()
    except OSError as error:    # standard output is full, closed ...
        status = 1
        _complain(f"{error.filename or 'standard output'}: {error.strerror or error}")
        _silence()
    return status


def _run(arguments: list[str]) -> int:
    """Run one command line, with the errors that sniff raises on purpose turned into a line and a status."""
    from sniff.errors import SniffError
    try:
        if arguments in (["--version"], ["-V"]):
            from sniff._version import __version__
            print(f"sniff {__version__}")
            return 0
        from sniff.cli.main import run
        return run(arguments)
    except SniffError as error:
        _complain(str(error))
        pointer = getattr(error, "pointer", "")
        if pointer:     # of a display filter: the place
            print(pointer.encode(errors="backslashreplace").decode(), file=sys.stderr, flush=True)
        return error.exit_status
    except (BrokenPipeError, KeyboardInterrupt):
        raise
    except OSError as error:
        if error.filename is None:
            raise
        _complain(f"{os.fsdecode(error.filename)}: {error.strerror}")
        return 1
    except MemoryError:
        _complain("out of memory")
        return 1
    except Exception as error:
        if os.environ.get("SNIFF_DEBUG"):
            raise
        _complain(f"error inside sniff, please report it: {type(error).__name__}: {error} (SNIFF_DEBUG=1 shows where)")
        return 1


def _complain(message: str) -> None:
    """One line on standard error; nothing of it can be a control character, whatever a file was called."""
    line = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in " ".join(message.splitlines()))
    with suppress(OSError, ValueError):    # nobody is there to read it
        print(f"sniff: {line.encode(errors='backslashreplace').decode()}", file=sys.stderr, flush=True)


def _flush() -> None:
    """Write what the standard streams still hold, now, where an error can still be told."""
    for stream in (sys.stdout, sys.stderr):
        if stream is not None:
            stream.flush()


def _silence() -> None:
    """Point standard output away, so that the interpreter's own flush at exit cannot fail again."""
    with suppress(OSError):
        null = os.open(os.devnull, os.O_WRONLY)
        os.dup2(null, 1)
        os.close(null)


def _unraisable(what: "sys.UnraisableHookArgs") -> None:
    """Ctrl-C that met a finalizer, out of which nothing can be raised, comes once more a moment later."""
    if what.exc_type is not KeyboardInterrupt:
        sys.__unraisablehook__(what)
        return
    import signal
    import threading
    threading.Timer(0.01, os.kill, [os.getpid(), signal.SIGINT]).start()


def program() -> int:
    """The entry point: run the command line of this process and end it.

    Everything was written and closed by then, so the interpreter is not taken apart piece by piece: that would take a
    tenth of the time of a small capture.
    """
    sys.unraisablehook = _unraisable
    status = main()
    import atexit
    import threading
    if all(thread.daemon for thread in threading.enumerate() if thread is not threading.main_thread()):
        atexit._run_exitfuncs()
        os._exit(status)
    return status


if __name__ == "__main__":
    sys.exit(program())
