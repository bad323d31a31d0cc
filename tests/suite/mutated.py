"""The claims engine with one fault in it, imported anew in this process; the modules at hand stay as they are.

A fault is another value for a name at the top of a module, bound where the module binds it, so that all that follows
from it follows from the fault; or another value in a data file. A module without the fault is found and its code read
once for all engines; it is executed anew for each.
"""

import ast
import sys
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from copy import deepcopy
from functools import cache
from importlib import import_module
from importlib.machinery import ModuleSpec, PathFinder, SourceFileLoader
from importlib.util import spec_from_file_location
from types import CodeType, ModuleType
from typing import Any

ENGINE = "codeset.claims"
_ANEW = (ENGINE, "codeset.suite.run_suite", "codeset.suite.expectations")
"""What is imported anew: the engine, and what runs it and compares."""


class NothingMutated(LookupError):
    """The name or the datum that a mutant replaces is not there."""


@contextmanager
def engine_with(mutant: Mapping[str, Any] | None) -> Iterator[ModuleType]:
    """Give `codeset.suite.run_suite`, imported anew over an engine with the fault of *mutant*, or with none.

    Raises NothingMutated: if what it replaces is not there.
    """
    before = {name: module for name, module in sys.modules.items() if name.startswith(_ANEW)}
    faults = _Faults(mutant or {})
    for name in before:
        del sys.modules[name]
    sys.meta_path.insert(0, faults)
    loads, tomllib.loads = tomllib.loads, faults.loads
    try:
        yield import_module("codeset.suite.run_suite")
        if mutant and not faults.done:
            raise NothingMutated(f"{mutant['says']}: {faults.what} is not there")
    finally:
        tomllib.loads = loads
        sys.meta_path.remove(faults)
        for name in [name for name in sys.modules if name.startswith(_ANEW)]:
            del sys.modules[name]
        sys.modules.update(before)
        for name, module in before.items():
            package, _, attribute = name.rpartition(".")
            setattr(sys.modules[package], attribute, module)


class _Faults:
    """Puts a mutant's fault into the module, or the data, that it is of, whenever that is loaded."""

    def __init__(self, mutant: Mapping[str, Any]) -> None:
        self.mutant, self.done = mutant, False
        module, _, self.name = mutant.get("name", "").rpartition(".")
        self.module = f"{ENGINE}.{module}"
        self.what = mutant.get("name") or mutant.get("data")

    def find_spec(self, fullname: str, path: Any = None, target: Any = None) -> ModuleSpec | None:
        if not fullname.startswith(_ANEW):
            return None
        file, folders = _place_of(fullname, tuple(path))
        is_mutated = fullname == self.module and "data" not in self.mutant
        loader = _MutatedLoader(fullname, file, self) if is_mutated else _ReadBefore(fullname, file)
        return spec_from_file_location(fullname, file, loader=loader, submodule_search_locations=folders)

    def loads(self, text: str) -> dict[str, Any]:
        """Read TOML as ever, but for the datum."""
        plain = deepcopy(_plain(text))
        *tables, key = self.mutant.get("data", "").split(".")
        table: Any = plain
        for name in tables:
            table = table.get(name, {})
        if key in table:
            table[key], self.done = self.mutant["now"], True
        return plain


_plain = cache(tomllib.loads)


@cache
def _place_of(fullname: str, path: tuple[str, ...]) -> tuple[str, list[str] | None]:
    """The file of a module, and the folders of a package."""
    spec = PathFinder.find_spec(fullname, path)
    assert spec is not None
    assert spec.origin is not None
    return spec.origin, spec.submodule_search_locations


@cache
def _code_of(fullname: str, path: str) -> CodeType | None:
    return SourceFileLoader(fullname, path).get_code(fullname)


class _ReadBefore(SourceFileLoader):
    def get_code(self, fullname: str) -> CodeType | None:
        return _code_of(fullname, self.path)


class _MutatedLoader(SourceFileLoader):
    def __init__(self, fullname: str, path: str, faults: _Faults) -> None:
        super().__init__(fullname, path)
        self.faults = faults

    def get_code(self, fullname: str) -> CodeType:
        tree = ast.parse(self.get_data(self.path))
        place = next(
            (place for place, statement in enumerate(tree.body) if self.faults.name in _bound_by(statement)), None
        )
        if place is not None:
            self.faults.done, name, now = True, self.faults.name, self.faults.mutant["now"]
            tree.body[place + 1 : place + 1] = ast.parse(f"{name} = (lambda was: {now})({name})").body
        return compile(tree, self.path, "exec")


def _bound_by(statement: ast.stmt) -> list[str]:
    """The names that a statement at the top of a module binds."""
    match statement:
        case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
            return [name]
        case ast.Assign(targets=targets):
            return [node.id for target in targets for node in ast.walk(target) if isinstance(node, ast.Name)]
        case ast.AnnAssign(target=ast.Name(id=name)):
            return [name]
        case ast.ImportFrom(names=names):
            return [alias.asname or alias.name for alias in names]
    return []
