"""The program from outside: commands, help, errors in one line, exit statuses."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from sniff._version import __version__
from sniff.cli.main import COMMANDS


def run(command, *arguments, **more):
    return subprocess.run([*command, *arguments], capture_output=True, text=True, timeout=60, check=False, **more)


@pytest.mark.parametrize("arguments", [["--version"], ["-V"], ["--version", "analyze"]])
def test_version(sniff_command, arguments):
    done = run(sniff_command, *arguments)
    assert (done.returncode, done.stdout, done.stderr) == (0, f"sniff {__version__}\n", "")


@pytest.mark.parametrize("flag", ["-h", "--help"])
def test_help_names_every_command(sniff_command, flag):
    done = run(sniff_command, flag)
    assert done.returncode == 0 and done.stderr == ""
    assert all(f"\n  {name} " in done.stdout for name in COMMANDS)
    assert done.stdout.isascii()


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(sniff_command, name):
    done = run(sniff_command, name, "--help")
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.startswith(f"Usage: sniff {name} ")


def test_without_a_command_help_is_shown(sniff_command):
    done = run(sniff_command)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith("Usage: sniff")


@pytest.mark.parametrize(("arguments", "words"), [
    (["analyse"], "no such command 'analyse'; did you mean 'analyze'?"),
    (["frobnicate"], "no such command 'frobnicate'; there are analyze, "),
    ([__file__], f"no such command '{__file__}'; to see what is in that file: sniff analyze {__file__}"),
    (["--bogus"], "no such option"),
    (["analyze"], "missing argument 'FILE...' (see: sniff analyze --help)"),
    (["analyze", "x", "--bogus"], "no such option"),
    (["analyze", "x", "--format", "xml"], "invalid value for '--format': 'xml' is not one of 'table', "),
    (["analyze", "x", "-o"], "option '-o' requires an argument (see: sniff analyze --help)"),
    (["a\x1b[31m\nb"], "no such command 'a\\x1b[31m b'"),
])
def test_a_wrong_command_line_is_one_line_and_status_2(sniff_command, arguments, words):
    done = run(sniff_command, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr.startswith(f"sniff: {words}") and done.stderr.count("\n") == 1


@pytest.mark.parametrize(("words", "found"), [
    ("sniff anal", ["plain,analyze"]),
    ("sniff analyze --fo", ["plain,--format", "plain,--follow"]),
    ("sniff analyze --format tab", ["plain,table", "plain,tabs"]),
    ("sniff analyze x", ["file,x"]),
])
def test_completion(sniff_command, words, found):
    environment = {"COMP_WORDS": words, "COMP_CWORD": str(words.count(" ")), "_SNIFF_COMPLETE": "bash_complete"}
    assert run(sniff_command, env=os.environ | environment).stdout.splitlines() == found


def test_start_up_imports_nothing_that_is_slow():
    slow = {"numpy", "rich", "scapy", "pyshark", "jinja2", "dns", "importlib.metadata"}
    code = ("import sys; from sniff.__main__ import main\n"
            "try: main(['--help'])\n"
            "finally: print(*sorted(sys.modules), file=sys.stderr)")
    loaded = set(run([sys.executable, "-c", code]).stderr.split())
    assert "click" in loaded and not slow & loaded


def test_an_error_inside_is_one_line_unless_asked_for(sniff_command, tmp_path):
    package = tmp_path / "sniff_broken.py"
    package.write_text("import sniff.cli.main as m\nfrom sniff.__main__ import main\n"
                       "m.run = lambda arguments: 1 / 0\nraise SystemExit(main([]))\n")
    done = run([sys.executable, str(package)])
    assert (done.returncode, done.stderr.count("\n")) == (1, 1)
    assert "ZeroDivisionError" in done.stderr and "Traceback" not in done.stderr
    shown = run([sys.executable, str(package)], env=os.environ | {"SNIFF_DEBUG": "1"})
    assert "Traceback" in shown.stderr


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no /dev/full here")
def test_ctrl_c_in_a_finalizer_is_not_lost(tmp_path):
    code = ("import os, signal, sys, time\nimport sniff.cli.main as m\nfrom sniff.__main__ import program\n"
            "class Late:\n    def __del__(self):\n        os.kill(os.getpid(), signal.SIGINT)\n        time.sleep(0.1)\n"
            "def run(arguments):\n    late = Late()\n    del late\n    time.sleep(20)\n    return 0\n"
            "m.run = run\nsys.exit(program())\n")
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, timeout=60)
    assert (done.returncode, done.stdout, done.stderr) == (130, b"", b"")


@pytest.mark.parametrize("arguments", [["--help"], ["--version"], ["doctor"]])
def test_a_full_disk_is_one_line(sniff_command, arguments):
    with Path("/dev/full").open("w") as full:
        done = subprocess.run([*sniff_command, *arguments], stdout=full, stderr=subprocess.PIPE, text=True, check=False)
    assert (done.returncode, done.stderr) == (1, "sniff: standard output: No space left on device\n")


def test_a_reader_that_left_is_no_error(sniff_command):
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*sniff_command, "--help"], stdout=write, stderr=subprocess.PIPE, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, b"")


def test_doctor_says_what_is_there(sniff_command):
    done = run(sniff_command, "doctor")
    lines = dict(line[4:].split(maxsplit=1) for line in done.stdout.splitlines())
    assert (done.returncode, done.stderr) == (0, "")
    assert lines["sniff"].startswith(__version__) and lines["Python"].startswith(sys.version.split()[0])
    assert {"platform", "compiled", "libraries", "tshark", "live"} <= set(lines)


def test_doctor_tells_compiled_loops_from_others(monkeypatch, tmp_path):
    from sniff.cli import doctor
    (tmp_path / "fast.py").write_text("import cython\n")
    (tmp_path / f"fast{doctor.EXTENSION_SUFFIXES[0]}").write_text("")
    (tmp_path / "room").mkdir()
    (tmp_path / "room" / "slow.py").write_text('"""Slow."""\n\nimport cython\n')
    (tmp_path / "plain.py").write_text("text = 'import cython'\n")
    monkeypatch.setattr(doctor, "PACKAGE", tmp_path)
    assert doctor.loops() == {"sniff.fast": True, "sniff.room.slow": False}
    [(fine, _, text)] = doctor._compiled()
    assert fine is None and "sniff.room.slow" in text and "pip install" in text
