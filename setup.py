"""The build: which modules are compiled. Everything else about the project stands in pyproject.toml.

The modules in COMPILED are ordinary Python files in Cython's pure-Python mode. Each extension is optional: where there
is no C compiler the install succeeds and the same files run uncompiled. SNIFF_PURE=1 leaves them uncompiled on purpose,
which is how the tests run both ways.
"""

import multiprocessing
import os
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
    "sniff/reassembly/tcp.py",
    "sniff/decode/http1_head.py",
    "sniff/decode/http1_rows.py",
    "sniff/decode/http1_messages.py",
    "sniff/decode/dns_names.py",
    "sniff/decode/dns_rdata.py",
    "sniff/decode/dns_wire.py",
    "sniff/decode/dns_parse.py",
    "sniff/exchange/dns_pair.py",
    "sniff/exchange/name_table.py",
    "sniff/report/info.py",
    "sniff/report/tabs.py",
]

DIRECTIVES = {"language_level": 3, "boundscheck": True, "wraparound": False, "cdivision": True, "initializedcheck": False,
              "embedsignature": True, "show_performance_hints": False}


def extension(name):
    """What is to be compiled of one module. -g0: debug information takes a third of the compiler's time."""
    return Extension(name.removesuffix(".py").replace("/", "."), [name], optional=True,
                     extra_compile_args=["-O2", "-g0"] if os.name == "posix" else [])


def translate(name):
    """Write the C source of one module, if it changed. (its extension, None), or (None, why there is none)."""
    from Cython.Build import cythonize
    from Cython.Compiler.Errors import CompileError
    try:
        return cythonize([extension(name)], compiler_directives=DIRECTIVES, build_dir="build/cython", quiet=True)[0], None
    except CompileError as error:
        return None, str(error)


def extensions():
    """The extensions that can be built. A module that does not compile stays Python and costs no other."""
    names = [name for name in COMPILED if Path(name).exists()]
    try:
        import Cython  # noqa: F401
    except ImportError:
        names = []
    if not names or os.environ.get("SNIFF_PURE") == "1":
        return []
    if "fork" in multiprocessing.get_all_start_methods():
        with multiprocessing.get_context("fork").Pool() as pool:
            for name, (_, error) in zip(names, pool.map(translate, names, chunksize=1), strict=True):
                if error and os.environ.get("SNIFF_STRICT") == "1":
                    raise SystemExit(f"{name}: {error}")
                if error:
                    print(f"warning: {name} stays uncompiled: {error}", file=sys.stderr)
    return [built for built, _ in map(translate, names) if built]    # what a process of the pool wrote is not written again


setup(ext_modules=extensions(), options={"build_ext": {"parallel": os.cpu_count()}})
