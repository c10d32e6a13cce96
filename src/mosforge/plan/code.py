"""The digest of a job's code, a param of its rule: an edit reruns only the jobs that import the edited code.

The digest covers the job's module and every module of this package that it imports, directly or not. It
leaves out what cannot change a result: comments, docstrings, annotations, the messages of raised errors and
of log lines, and the descriptions of a table's columns. A module that cannot change a result at
all says so in the constant `CHANGES_NO_RESULT`, with the reason; neither it nor its imports count. The files
of a folder without modules, such as `templates`, count for a module beside it that names the folder.
"""

import ast
import hashlib
import importlib.util
from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any

PACKAGE = "mosforge"

EXEMPT_MARKER = "CHANGES_NO_RESULT"
"""The name of the constant that marks a module on which no result depends; its value is the reason."""

_STORED_ERRORS = {"UnreadableImageError"}
"""Errors whose words are written into artefacts, as the reasons why a file was set aside."""

_LOGGERS = {"log", "logger", "_log", "logging", "warnings"}

_FIELDS_WITHOUT_MEANING = {"ctx", "kind", "type_comment", "type_ignores"}


class Code:
    """The modules of the package, and the digest of those that a job imports.

    Args:
        texts: the source of every module, by its dotted name; a package's is that of its `__init__`.
        data: the files in folders that hold no modules: their content by the path of the folder, written as
            a module's name.
    """

    def __init__(self, texts: Mapping[str, str], data: Mapping[str, bytes] | None = None) -> None:
        self.texts = texts
        self._data = data or {}
        self._module = cache(self._read_module)
        self.digest = cache(self._digest)

    @classmethod
    def installed(cls) -> "Code":
        """The code of the installed package."""
        return cls(*read_package(Path(__file__).parents[1]))

    def modules(self, job: str) -> set[str]:
        """The modules that count for a job.

        Args:
            job: its module, such as `mosforge.pmos.fuse`.
        """
        found: set[str] = set()
        pending = [job]
        while pending:
            name = pending.pop()
            if name not in found and (module := self._module(name)).counts:
                found.add(name)
                pending += module.imports
        return found

    def _digest(self, job: str) -> str:
        parts = sorted((name, self._module(name).digest) for name in self.modules(job))
        return hashlib.sha256(repr(parts).encode()).hexdigest()[:16]

    def _read_module(self, name: str) -> "_Module":
        return _Module(name, self.texts[name], set(self.texts), self._data)


class _Module:
    """A module: its imports from the package, and the digest of what its code does."""

    def __init__(self, name: str, text: str, names: set[str], data: Mapping[str, bytes]) -> None:
        tree = ast.parse(text)
        self.counts = not any(
            isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == EXEMPT_MARKER
            for node in tree.body
        )
        self.imports: list[str] = []
        self.digest = ""
        if not self.counts:
            return
        tree = _InsignificantRemover().visit(tree)
        is_package = any(other.startswith(f"{name}.") for other in names)
        package = name if is_package else name.rpartition(".")[0]
        imports, beside = set(_parent_packages(name)), set()
        for node in ast.walk(tree):
            if isinstance(node, ast.Import | ast.ImportFrom):
                imports.update(_imported(node, package, names))
            elif isinstance(node, ast.Constant) and isinstance(node.value, str):
                beside.add(f"{package}.{node.value}")
        self.imports = sorted(imports)
        written: list[str] = []
        _write(tree, written)
        content = hashlib.sha256("".join(written).encode())
        for folder in sorted(beside & data.keys()):
            content.update(data[folder])
        self.digest = content.hexdigest()


def read_package(folder: Path) -> tuple[dict[str, str], dict[str, bytes]]:
    """The sources of a package's modules, and the files of its folders without modules; see `Code`."""
    texts: dict[str, str] = {}
    data: dict[str, bytes] = {}
    for file in sorted(folder.rglob("*")):
        place = file.relative_to(folder.parent)
        if file.suffix == ".py":
            name = ".".join(place.with_suffix("").parts).removesuffix(".__init__")
            texts[name] = file.read_text(encoding="utf-8")
        elif file.is_file() and "__pycache__" not in place.parts and not any(file.parent.glob("*.py")):
            key = ".".join(place.parent.parts)
            data[key] = data.get(key, b"") + file.name.encode() + b"\0" + file.read_bytes() + b"\0"
    return texts, data


def _parent_packages(name: str) -> Iterator[str]:
    """The packages that contain a module, whose `__init__` is run when it is imported."""
    while "." in name:
        name = name.rpartition(".")[0]
        yield name


def _imported(node: ast.Import | ast.ImportFrom, package: str, names: Iterable[str]) -> Iterator[str]:
    """The modules of this package that an import statement names, and the packages around them."""
    if isinstance(node, ast.Import):
        found = [alias.name for alias in node.names]
    else:
        base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
        found = [base, *(f"{base}.{alias.name}" for alias in node.names)]
    for name in found:
        if name in names:
            yield name
            yield from _parent_packages(name)


class _InsignificantRemover(ast.NodeTransformer):
    """Removes from a module's syntax tree everything that cannot change a result."""

    def visit_Expr(self, node: ast.Expr) -> ast.AST | None:
        """A string by itself is a docstring."""
        is_text = isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
        return None if is_text else self.generic_visit(node)

    def visit_If(self, node: ast.If) -> ast.AST | None:
        is_for_type_checkers = getattr(node.test, "id", "") == "TYPE_CHECKING"
        return None if is_for_type_checkers else self.generic_visit(node)

    def visit_FunctionDef(self, node: ast.FunctionDef) -> ast.AST:
        node.returns = None
        return self.generic_visit(node)

    def visit_arg(self, node: ast.arg) -> ast.AST:
        node.annotation = None
        return node

    def visit_ClassDef(self, node: ast.ClassDef) -> ast.AST:
        """Dataclasses, named tuples and models read the annotations of their fields: these count."""
        for statement in node.body:
            if isinstance(statement, ast.AnnAssign):
                statement.simple = 2
        return self.generic_visit(node)

    def visit_AnnAssign(self, node: ast.AnnAssign) -> ast.AST | None:
        if node.simple == 2:
            return self.generic_visit(node)
        if node.value is None:
            return None
        return self.generic_visit(ast.Assign([node.target], node.value))

    def visit_Raise(self, node: ast.Raise) -> ast.AST:
        if isinstance(node.exc, ast.Call) and getattr(node.exc.func, "id", "") not in _STORED_ERRORS:
            _StringEraser().visit(node.exc)
        return self.generic_visit(node)

    def visit_Call(self, node: ast.Call) -> ast.AST:
        if isinstance(node.func, ast.Attribute) and getattr(node.func.value, "id", "") in _LOGGERS:
            node.args = [_StringEraser().visit(argument) for argument in node.args]
        if getattr(node.func, "id", "") == "column":  # of `core.schemas`: name, type, description
            del node.args[2:]
        return self.generic_visit(node)


class _StringEraser(ast.NodeTransformer):
    """Empties all strings."""

    def visit_Constant(self, node: ast.Constant) -> ast.Constant:
        return ast.Constant("") if isinstance(node.value, str) else node

    def visit_JoinedStr(self, node: ast.JoinedStr) -> ast.Constant:
        return ast.Constant("")


def _write(node: Any, out: list[str]) -> None:
    """A syntax tree as text that is the same in every version of Python."""
    if isinstance(node, ast.AST):
        out.append(f"({type(node).__name__}")
        for name in node._fields:
            value = getattr(node, name, None)
            if value is not None and value != [] and name not in _FIELDS_WITHOUT_MEANING:
                out.append(f" {name}=")
                _write(value, out)
        out.append(")")
    elif isinstance(node, list):
        out.append("[")
        for item in node:
            _write(item, out)
        out.append("]")
    else:
        out.append(repr(node))
