"""The build: which modules are compiled. Everything else about the project stands in pyproject.toml.

The modules in COMPILED are ordinary Python files in Cython's pure-Python mode. Each extension is optional: where there
is no C compiler the install succeeds and the same files run uncompiled. SNIFF_PURE=1 leaves them uncompiled on purpose,
which is how the tests run both ways.
"""

import os
import sys
from pathlib import Path

from setuptools import Extension, setup

COMPILED = [
    "sniff/capture/scan.py",
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
    "sniff/report/info.py",
    "sniff/report/tabs.py",
]

DIRECTIVES = {"language_level": 3, "boundscheck": True, "wraparound": False, "cdivision": True, "initializedcheck": False,
              "embedsignature": True, "show_performance_hints": False}


def extensions():
    if os.environ.get("SNIFF_PURE") == "1":
        return []
    try:
        from Cython.Build import cythonize
        from Cython.Compiler.Errors import CompileError
    except ImportError:
        return []
    modules = [
        Extension(name.removesuffix(".py").replace("/", "."), [name], optional=True,
                  extra_compile_args=["-O2"] if os.name == "posix" else [])
        for name in COMPILED if Path(name).exists()
    ]
    built = []
    for module in modules:      # one by one: a module that does not compile stays Python and costs no other
        try:
            built += cythonize([module], compiler_directives=DIRECTIVES, build_dir="build/cython")
        except CompileError as error:
            if os.environ.get("SNIFF_STRICT") == "1":
                raise
            print(f"warning: {module.name} stays uncompiled: {error}", file=sys.stderr)
    return built


setup(ext_modules=extensions())
