"""Say which modules of setup.py's COMPILED cannot be imported uncompiled. Exit status 1 if there are any.

The usual reason: `from cython.cimports.sniff...` exists only for Cython. What a compiled module takes from another one is
cimported in its .pxd, and imported in its .py under `if not cython.compiled:`.
"""

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

from tests.conftest import compiled_modules
from tests.twins import uncompiled

broken = 0
for name in compiled_modules():
    try:
        uncompiled(name)
    except Exception as error:
        broken += 1
        print(f"{name} cannot be imported uncompiled: {type(error).__name__}: {error}", file=sys.stderr)
if broken:
    print("Cimport what is compiled in the .pxd, and import it in the .py under `if not cython.compiled:`", file=sys.stderr)
sys.exit(broken > 0)
