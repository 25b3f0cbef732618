"""README.md is true: its commands run, its Python runs, and what it links to is there."""

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
README = (ROOT / "README.md").read_text()
COMMANDS = re.findall(r"^\$ (sniff .*?)\s*(?:#.*)?$", README, re.MULTILINE)
PROGRAMS = re.findall(r"^```python\n(.*?)^```", README, re.MULTILINE | re.DOTALL)
LINKS = re.findall(r"\]\(([^)#:]+)\)", README)


def test_the_patterns_find_something() -> None:
    assert len(COMMANDS) > 5
    assert PROGRAMS
    assert len(LINKS) > 3


@pytest.mark.parametrize("command", COMMANDS)
def test_commands_run(command: str, sniff_command: list[str]) -> None:
    line = command.replace("sniff", '"$@"', 1)    # the shell expands the rest, as a reader's would
    run = subprocess.run(["sh", "-c", line, "sh", *sniff_command], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout


@pytest.mark.parametrize("program", PROGRAMS)
def test_programs_run(program: str) -> None:
    run = subprocess.run([sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stderr
    assert run.stdout


@pytest.mark.parametrize("link", LINKS)
def test_links_lead_somewhere(link: str) -> None:
    assert (ROOT / link).exists()


def test_targets_of_make_exist() -> None:
    makefile = (ROOT / "Makefile").read_text()
    for target in set(re.findall(r"make ([a-z-]+)", README)) - {"can"}:
        assert re.search(rf"^{target}:", makefile, re.MULTILINE), target


def test_nothing_in_pictures_comes_from_the_web() -> None:
    for picture in (ROOT / "docs").glob("*.svg"):
        assert not re.search(r"(?:src|href|url)\W+https?:", picture.read_text()), picture.name
