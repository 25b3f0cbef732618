"""Imports run one way, stay cheap, and the public API is complete."""

import ast
import json
import subprocess
import sys
from pathlib import Path

import pytest

import sniff
from tests import twins
from tests.conftest import compiled_modules

PACKAGE = Path(sniff.__file__).parent
CAPTURE = Path(__file__).parents[1] / "captures/neverssl.pcap"

ROOMS = ["capture", "packets", "reassembly", "decode", "exchange", "filters", "report", "cli"]
"""The way of a packet: a room imports only from itself and from rooms before it."""

EVERYWHERE = {"errors", "limits", "notes", "shelf", "_version"}
"""Modules that every room may import, and that import only each other."""

JOINS = {"__main__": set(ROOMS)} | {name: set(ROOMS) - {"cli"} for name in (
    "pipeline", "messages", "streams", "reports", "tshark", "verify", "api", "__init__")}
"""Modules at the top of the package, and the rooms they may import."""

SLOW = {"scapy", "pyshark", "jinja2", "pandas", "pyarrow", "dns", "brotli", "zstandard", "lz4", "charset_normalizer",
        "multipart", "python_multipart", "psutil", "asyncio", "IPython"}
"""Libraries that nobody pays for who does not need them."""

MODULES = sorted(PACKAGE.rglob("*.py"))


def place(path: Path) -> str:
    """The room of a module, or its name when it stands at the top."""
    parts = path.relative_to(PACKAGE).parts
    return parts[0] if len(parts) > 1 else path.stem


def imported(path: Path) -> set[str]:
    """Rooms and top modules that a module imports, anywhere in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text())):
        names: list[str] = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}:{node.lineno}: relative import"
            base = (node.module or "").removeprefix("cython.cimports.")
            names = [f"{base}.{alias.name}" for alias in node.names] if base == "sniff" else [base]
        for name in names:
            parts = name.split(".")
            if parts[0] == "sniff":
                found.add(parts[1] if len(parts) > 1 else "__init__")
    return {name for name in found if (PACKAGE / name).is_dir() or (PACKAGE / f"{name}.py").exists()}


def allowed(name: str) -> set[str]:
    """What a room or a top module may import."""
    tops = {path.stem for path in PACKAGE.glob("*.py")}
    if name in EVERYWHERE:
        return EVERYWHERE
    if name in JOINS:
        return JOINS[name] | tops
    rooms = set(ROOMS[:ROOMS.index(name) + 1]) | EVERYWHERE
    return rooms | tops if name == "cli" else rooms


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_run_one_way(path: Path) -> None:
    name = place(path)
    assert name in {*ROOMS, *EVERYWHERE, *JOINS}, f"{name} has no place: add it to the map in ARCHITECTURE.md and here"
    assert imported(path) <= allowed(name), f"{path} imports against the stream"


def modules_after(code: str) -> set[str]:
    """Names of the modules that a fresh interpreter has loaded after `code`."""
    report = "import json, sys; sys.stderr.write(json.dumps(sorted(sys.modules)))"
    run = subprocess.run([sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True)
    return {name.split(".")[0] for name in json.loads(run.stderr.splitlines()[-1])}


@pytest.mark.parametrize("code", [
    "import sniff",
    "from sniff.__main__ import main; main(['--help'])",
    f"from sniff.__main__ import main; main(['analyze', {str(CAPTURE)!r}, '--format', 'tabs'])",
    f"from sniff.__main__ import main; main(['analyze', {str(CAPTURE)!r}, '--packets'])",
], ids=["import", "help", "analyze", "packets"])
def test_slow_libraries_are_not_imported(code: str) -> None:
    assert modules_after(code) & SLOW == set()


def test_tables_of_the_terminal_are_not_imported_for_tabs() -> None:
    arguments = ["analyze", str(CAPTURE), "--format", "tabs"]
    assert "rich" not in modules_after(f"from sniff.__main__ import main; main({arguments!r})")


@pytest.mark.parametrize("name", compiled_modules())
def test_compiled_modules_can_be_imported_uncompiled(name: str) -> None:
    assert twins.uncompiled(name).__file__.endswith(".py")


def test_public_api_is_complete() -> None:
    assert list(sniff.__all__) == sorted(sniff.__all__), "sorted, so that a newcomer finds what is there"
    for name in sniff.__all__:
        assert getattr(sniff, name).__doc__ or name.startswith("__"), f"sniff.{name} has no docstring"
    public = {name for name in vars(sniff) if not name.startswith("_")}
    rooms = {*ROOMS, *EVERYWHERE, *JOINS}   # submodules appear as attributes once they are imported
    assert public - rooms <= set(sniff.__all__), "a public name that __all__ does not list"


def test_every_room_says_what_it_is_for() -> None:
    for room in ROOMS:
        assert ast.get_docstring(ast.parse((PACKAGE / room / "__init__.py").read_text())), room
