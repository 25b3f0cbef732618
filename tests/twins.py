"""The uncompiled twin of a compiled module, in the same process: both must give the same answers."""

import importlib
import sys
from importlib.abc import MetaPathFinder
from importlib.machinery import FileFinder, ModuleSpec, SourceFileLoader
from types import ModuleType


class _SourceOnly(MetaPathFinder):
    """Finds the modules of sniff by their source, whatever was compiled from it."""

    def find_spec(self, fullname: str, path: object = None, target: ModuleType | None = None) -> ModuleSpec | None:
        if fullname.partition(".")[0] != "sniff":
            return None
        folders = path if path is not None else sys.path
        for folder in folders:  # type: ignore[attr-defined]
            spec = FileFinder(folder, (SourceFileLoader, [".py"])).find_spec(fullname)
            if spec is not None:
                return spec
        return None


def uncompiled(name: str) -> ModuleType:
    """`sniff.some.module` as a second copy that runs uncompiled, with uncompiled copies of all it imports from sniff."""
    def ours() -> dict[str, ModuleType]:
        return {key: module for key, module in sys.modules.items() if key.partition(".")[0] == "sniff"}

    before = ours()
    finder = _SourceOnly()
    for key in before:
        del sys.modules[key]
    sys.meta_path.insert(0, finder)
    try:
        return importlib.import_module(name)
    finally:
        sys.meta_path.remove(finder)
        for key in ours():
            del sys.modules[key]
        sys.modules.update(before)
