"""The build: which modules are compiled. Everything else about the project stands in pyproject.toml.

The modules in COMPILED are ordinary Python files in Cython's pure-Python mode. Each extension is optional: where there
is no C compiler the install succeeds and the same files run uncompiled. SNIFF_PURE=1 leaves them uncompiled on purpose,
which is how the tests run both ways.
"""

import os
import subprocess
import sys
from pathlib import Path

from setuptools import Extension, setup

COMPILED = [
    "sniff/capture/ring.py",
    "sniff/capture/scan.py",
    "sniff/packets/headers.py",
    "sniff/packets/captures.py",
    "sniff/packets/links.py",
    "sniff/packets/tunnels.py",
    "sniff/packets/dissect.py",
    "sniff/reassembly/flows.py",
    "sniff/reassembly/analysis.py",
    "sniff/reassembly/states.py",
    "sniff/reassembly/tcp.py",
    "sniff/decode/head_fields.py",
    "sniff/decode/http1_head.py",
    "sniff/decode/http1_rows.py",
    "sniff/decode/http1_messages.py",
    "sniff/decode/dns_names.py",
    "sniff/decode/dns_rdata.py",
    "sniff/decode/nbns_wire.py",
    "sniff/decode/dns_wire.py",
    "sniff/decode/dns_parse.py",
    "sniff/exchange/dns_pair.py",
    "sniff/exchange/http_pair.py",
    "sniff/exchange/name_table.py",
    "sniff/filters/find.py",
    "sniff/report/exchange_json.py",
    "sniff/report/info.py",
    "sniff/report/tabs.py",
]

DIRECTIVES = {"language_level": 3, "boundscheck": True, "wraparound": False, "cdivision": True, "initializedcheck": False,
              "embedsignature": True, "show_performance_hints": False}


SHARED = "sniff._cyutility"
"""The extension that holds what Cython would otherwise write into each of them again: half of the time a build takes."""

COMPILER_ARGUMENTS = ["-O2", "-g0"] if os.name == "posix" else []    # debug information takes a third of the compiler's time


def translate(name):
    """Write the C source of one module, if it changed. (its extension, None), or (None, why there is none)."""
    from Cython.Build import cythonize
    from Cython.Compiler.Errors import CompileError
    module = Extension(name.removesuffix(".py").replace("/", "."), [name], optional=True, extra_compile_args=COMPILER_ARGUMENTS)
    try:
        return cythonize([module], compiler_directives=DIRECTIVES, build_dir="build/cython", quiet=True,
                         shared_utility_qualified_name=SHARED)[0], None
    except CompileError as error:
        return None, str(error)


def translate_ahead(names):
    """Write the C sources on all cores; translate() then finds them written. Without fork() it does all of it by itself.

    A multiprocessing pool would have to find translate() by name, which it cannot where this file is not a module: pip
    executes it.
    """
    if not hasattr(os, "fork"):
        return
    cores = os.cpu_count() or 1
    children = []
    for core in range(cores):
        child = os.fork()
        if not child:
            try:
                for name in names[core::cores]:
                    translate(name)
            finally:
                os._exit(0)
        children.append(child)
    for child in children:
        os.waitpid(child, 0)


def shared():
    """The extension SHARED. Cython writes its source whole, from nothing."""
    source = Path("build/cython") / (SHARED.replace(".", "/") + ".c")
    if not source.exists():
        source.parent.mkdir(parents=True, exist_ok=True)
        subprocess.run([sys.executable, "-m", "cython", f"--generate-shared={source}"], check=True)
    return Extension(SHARED, [str(source)], optional=True, extra_compile_args=COMPILER_ARGUMENTS)


def extensions():
    """The extensions that can be built. A module that does not compile stays Python and costs no other."""
    names = [name for name in COMPILED if Path(name).exists()]
    try:
        import Cython  # noqa: F401
    except ImportError:
        names = []
    if not names or os.environ.get("SNIFF_PURE") == "1":
        return []
    built = [shared()]
    translate_ahead(names)
    for name in names:
        extension, error = translate(name)
        if extension:
            built.append(extension)
        elif os.environ.get("SNIFF_STRICT") == "1":
            raise SystemExit(f"{name}: {error}")
        else:
            print(f"warning: {name} stays uncompiled: {error}", file=sys.stderr)
    return built


setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count()}})
