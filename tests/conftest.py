"""What holds for every test: which copy of the package is tested, how hard Hypothesis tries, and that no skip goes unseen.

SNIFF_TEST_PACKAGE   folder that holds the copy of the package to test; this checkout when not set
SNIFF_TEST           `compiled` or `uncompiled`: refuse to run when the copy is not that
CI                   `true`: a skipped test is a failed one, and Hypothesis draws the same examples every time
"""

import ast
import gc
import os
import shutil
import subprocess
import sys
from collections.abc import Generator
from importlib.machinery import EXTENSION_SUFFIXES
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

ROOT = Path(__file__).resolve().parent.parent
PACKAGE = Path(os.environ.get("SNIFF_TEST_PACKAGE", ROOT)).resolve()
CAPTURES = sorted((ROOT / "captures").glob("*.pcap*"))
IN_CI = os.environ.get("CI", "").lower() in ("true", "1")

ALLOWED_SKIPS: dict[str, str] = {}
"""{beginning of a test's id: why it may be skipped in CI}."""

# The copy under test comes first for this process and for the programs that tests start; the current folder, which holds
# this checkout's package, counts for neither.
sys.path.insert(0, str(PACKAGE))
os.environ["PYTHONPATH"] = str(PACKAGE)
os.environ["PYTHONSAFEPATH"] = "1"
# Thousands of tests keep so much that a full collection takes seconds, and the usual thresholds have many of them.
gc.set_threshold(50_000, 20, 100)
# What a developer's shell says about terminals must not change what tests see.
for name in ("NO_COLOR", "FORCE_COLOR", "COLUMNS", "LINES", "SNIFF_DEBUG"):
    os.environ.pop(name, None)


# --- which copy ---------------------------------------------------------------------------------------------------------

def compiled_modules() -> list[str]:
    """The names that setup.py lists in COMPILED."""
    tree = ast.parse((ROOT / "setup.py").read_text())
    for node in tree.body:
        if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name) and node.targets[0].id == "COMPILED":
            return [name.removesuffix(".py").replace("/", ".") for name in ast.literal_eval(node.value)]
    raise AssertionError("setup.py has no list COMPILED")


def extension_of(module: str) -> Path | None:
    """The extension module that shadows a module's source in the copy under test."""
    source = PACKAGE / (module.replace(".", "/") + ".py")
    for suffix in EXTENSION_SUFFIXES:
        extension = source.with_suffix(suffix)
        if extension.exists():
            return extension
    return None


def state_of_package() -> tuple[int, int, list[str]]:
    """(modules compiled, modules listed, those whose source is newer than what was compiled from it)."""
    modules = compiled_modules()
    stale, count = [], 0
    for module in modules:
        extension = extension_of(module)
        source = PACKAGE / (module.replace(".", "/") + ".py")
        if extension is not None:
            count += 1
            if source.exists() and source.stat().st_mtime > extension.stat().st_mtime:
                stale.append(module)
    return count, len(modules), stale


def pytest_configure(config: pytest.Config) -> None:
    """Refuse to test the wrong copy."""
    import sniff

    found = Path(sniff.__file__).resolve().parent.parent
    if found != PACKAGE:
        raise pytest.UsageError(f"the package under test should come from {PACKAGE}, but was imported from {found}")
    count, listed, stale = state_of_package()
    wanted = os.environ.get("SNIFF_TEST")
    if stale and wanted:
        raise pytest.UsageError(f"older than their source: {', '.join(stale)}; run `make build`")
    if wanted == "compiled" and count != listed:
        missing = [module for module in compiled_modules() if extension_of(module) is None]
        advice = "run `make build`, which needs a C compiler and Python's headers"
        raise pytest.UsageError(f"not compiled: {', '.join(missing)}; {advice}")
    if wanted == "uncompiled" and count:
        raise pytest.UsageError(f"{count} of {listed} modules are compiled in {PACKAGE}")
    if wanted not in (None, "compiled", "uncompiled"):
        raise pytest.UsageError(f"SNIFF_TEST is 'compiled' or 'uncompiled', not '{wanted}'")


def _under_test() -> str:
    count, listed, stale = state_of_package()
    warning = f"; OLDER THAN THEIR SOURCE: {', '.join(stale)} (make build)" if stale else ""
    return f"package under test: {PACKAGE / 'sniff'}, {count} of {listed} modules compiled{warning}"


def pytest_report_header(config: pytest.Config) -> str:
    """Say which copy is tested."""
    return _under_test()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Say it again at the end, where it is read."""
    terminalreporter.write_line(_under_test())


# --- Hypothesis ---------------------------------------------------------------------------------------------------------

COMMON = {"deadline": None, "derandomize": IN_CI, "print_blob": True, "suppress_health_check": [HealthCheck.too_slow]}
settings.register_profile("compiled", max_examples=100, **COMMON)
settings.register_profile("uncompiled", max_examples=25, **COMMON)
UNCOMPILED = state_of_package()[0] == 0
settings.load_profile("uncompiled" if UNCOMPILED else "compiled")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Uncompiled loops are a hundred times slower: there each property gets a quarter of the examples it asks for.

    Tests of the page in a browser are left to the compiled run: whoever made the data of a page, its scripts are the same.
    """
    if not UNCOMPILED:
        return
    once = [item for item in items if item.get_closest_marker("browser")]
    if once:
        config.hook.pytest_deselected(items=once)
        items[:] = [item for item in items if not item.get_closest_marker("browser")]
    done = set()
    for item in items:
        function = getattr(item, "obj", None)
        function = getattr(function, "__func__", function)
        chosen = getattr(function, "_hypothesis_internal_use_settings", None)
        if chosen is not None and id(function) not in done:
            done.add(id(function))
            function._hypothesis_internal_use_settings = settings(chosen, max_examples=max(5, chosen.max_examples // 4))


# --- no test is skipped unseen ------------------------------------------------------------------------------------------

def _refuse_skip(report: pytest.TestReport | pytest.CollectReport) -> None:
    """In CI, turn a skip into a failure."""
    if IN_CI and report.skipped and not hasattr(report, "wasxfail") and not report.nodeid.startswith(tuple(ALLOWED_SKIPS)):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else str(report.longrepr)
        report.outcome = "failed"
        report.longrepr = f"skipped, which CI does not allow: {reason}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item: pytest.Item) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Tests and their fixtures."""
    report = yield
    _refuse_skip(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(collector: pytest.Collector) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Whole modules."""
    report = yield
    _refuse_skip(report)
    return report


# --- fixtures -----------------------------------------------------------------------------------------------------------

@pytest.fixture(scope="session")
def sniff_command() -> list[str]:
    """The command line that runs the copy of sniff under test."""
    return [sys.executable, "-m", "sniff"]


@pytest.fixture(scope="session")
def tshark() -> str:
    """The oracle. The test is skipped where it is not installed, which CI does not allow."""
    path = shutil.which("tshark")
    if path is None:
        pytest.skip("tshark is not installed: scripts/install_tools.sh test")
    return path


@pytest.fixture(scope="session")
def tshark_version(tshark: str) -> tuple[int, int]:
    """Its version: (4, 0)."""
    words = subprocess.run([tshark, "--version"], capture_output=True, text=True, check=True).stdout.split()
    number = next(word for word in words if word[0].isdigit())
    major, minor = number.split(".")[:2]
    return int(major), int(minor)


@pytest.fixture(params=CAPTURES, ids=lambda path: path.name)
def capture(request: pytest.FixtureRequest) -> Path:
    """Each of the captures in captures/, one after the other."""
    path: Path = request.param
    return path
