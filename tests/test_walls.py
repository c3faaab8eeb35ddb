"""Architecture rules: which package may import which, and the maximum length of a function.

Each rule is a function from the modules to a list of violations, so that the tests can also plant a violation and check
that it is found.
"""

import ast
import statistics
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
ROOMS = ("blueprints", "connectors", "core", "domain", "jobs", "models", "sandbox")
LONGEST, MEDIAN = 60, 8  # lines per function

# The packages of ours that each package may import. How blueprints may use jobs is checked separately.
MAY_KNOW = {
    "core": set(),
    "models": {"core"},
    "connectors": {"core"},
    "domain": {"connectors", "core", "models"},
    "jobs": {"connectors", "core", "domain", "models"},
    "blueprints": {"core", "domain", "jobs", "models"},
    "sandbox": set(),
}
# The layers of the domain: which packages each of its packages may import. Only downwards, so there are no cycles.
PACKAGE_MAY_KNOW = {
    "common": set(),
    "identity": {"common"},
    "outbox": {"common"},
    "accounts": {"common", "identity", "outbox"},
    "banking": {"common", "identity", "outbox"},
    "payments": {"accounts", "banking", "common", "identity", "outbox"},
    "orders": {"accounts", "banking", "common", "identity", "outbox", "payments"},
    "privacy": {"accounts", "common"},
    "payroll": {"banking", "common", "outbox", "payments"},
    "reconciliation": {"banking", "common", "orders", "payments"},
    "team": {"accounts", "banking", "common", "identity", "outbox", "payments", "payroll"},
    "overview": {"accounts", "banking", "common", "identity", "payments", "payroll"},
    "operations": {"accounts", "banking", "common", "orders", "payments", "payroll"},
}
MOST_FLOORS, MOST_ARROWS = 8, 60
# Third-party libraries that a package may not import.
FORBIDDEN = {
    "core": {"flask", "peewee", "playhouse", "zeep", "requests", "rq", "redis"},
    "models": {"flask", "zeep", "requests"},
    "connectors": {"flask", "peewee", "playhouse", "rq", "redis"},
    "domain": {"flask", "zeep", "requests", "lxml", "rq", "redis"},
    "jobs": {"zeep", "requests", "lxml"},
    "blueprints": {"zeep", "requests", "lxml"},
}
# What a view may import from jobs; the readiness check may also use the queue.
OF_JOBS = {"enqueue"}
OF_JOBS_IN = {"blueprints.ops.routes": {"connection"}}
# Libraries of modules that call external systems: such modules are injected by the entry points, and imported by nobody
# else.
ADAPTER_MARKS = {"zeep", "requests", "authlib", "urllib3"}
READ_CONFIG = ("app", "worker", "commands", "config", "tools", "tests")


def package_of(name: str) -> str:
    """Return the domain package: "payments" of domain.payments.release; "" for domain itself."""
    return (name.split(".") + [""])[1]


@dataclass(frozen=True)
class Import:
    """An import: the imported module, the line, and whether it is for the type checker only."""

    name: str
    line: int
    typing_only: bool

    @property
    def top(self) -> str:
        return self.name.split(".")[0]

    @property
    def package(self) -> str:
        return package_of(self.name)


@dataclass(frozen=True)
class Module:
    """A file: its dotted name and its syntax tree."""

    name: str
    tree: ast.Module

    @property
    def room(self) -> str:
        return self.name.split(".")[0]

    @property
    def package(self) -> str:
        return package_of(self.name)

    def imports(self) -> Iterator[Import]:
        for node, hidden in walk(self.tree, False):
            if isinstance(node, ast.Import):
                yield from (Import(alias.name, node.lineno, hidden) for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                base = self._absolute(node)
                yield Import(base, node.lineno, hidden)
                yield from (Import(f"{base}.{alias.name}", node.lineno, hidden) for alias in node.names)

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        parents = self.name.split(".")[: -node.level]
        return ".".join([*parents, node.module] if node.module else parents)


def walk(node: ast.AST, hidden: bool) -> Iterator[tuple[ast.AST, bool]]:
    """Yield every node, and whether it is inside `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        under = hidden or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        yield child, under
        yield from walk(child, under)


def modules(root: Path) -> list[Module]:
    """Return the program's modules below `root`: its packages, entry points and tools."""
    files = [path for room in (*ROOMS, "config", "tools") for path in (root / room).rglob("*.py")] + list(
        root.glob("*.py")
    )
    return [Module(name_of(path.relative_to(root)), ast.parse(path.read_text(), str(path))) for path in files]


def name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


# --- the rules ---
def wrong_neighbours(tree: list[Module]) -> list[str]:
    """Return imports of our own packages that are not allowed."""
    return [
        f"{module.name}:{one.line} may not import {one.name}"
        for module in tree
        if module.room in MAY_KNOW
        for one in module.imports()
        if one.top in ROOMS and one.top != module.room and one.top not in MAY_KNOW[module.room]
    ]


def wrong_packages(tree: list[Module]) -> list[str]:
    """Return imports between domain packages that the table does not allow, and modules outside a package."""
    inside = [module for module in tree if module.room == "domain" and module.package]
    homeless = [f"{one.name} is in no package of the domain" for one in inside if one.package not in PACKAGE_MAY_KNOW]
    return homeless + [
        f"{module.name}:{one.line} may not import {one.name}"
        for module in inside
        if module.package in PACKAGE_MAY_KNOW
        for one in module.imports()
        if one.top == "domain" and one.package not in ("", module.package, *PACKAGE_MAY_KNOW[module.package])
    ]


def floors(graph: dict[str, set[str]]) -> dict[str, int]:
    """Return the layer of each package: 1 without imports, else one above its highest import."""
    known: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in known:
            known[name] = 1 + max((floor(below) for below in graph[name]), default=0)
        return known[name]

    return {name: floor(name) for name in graph}


def wrong_libraries(tree: list[Module]) -> list[str]:
    """Return imports of forbidden libraries."""
    return [
        f"{module.name}:{one.line} may not import {one.name}"
        for module in tree
        for one in module.imports()
        if any(one.top == name or one.top.startswith(f"{name}_") for name in FORBIDDEN.get(module.room, ()))
    ]


def more_than_waking(tree: list[Module]) -> list[str]:
    """Return imports from jobs by views other than `enqueue`."""
    return [
        f"{module.name}:{getattr(node, 'lineno', 0)} may take only `enqueue` from jobs"
        for module in tree
        if module.room == "blueprints"
        for node, _ in walk(module.tree, False)
        if not _only_wakes(node, OF_JOBS | OF_JOBS_IN.get(module.name, set()))
    ]


def _only_wakes(node: ast.AST, allowed: set[str]) -> bool:
    if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] == "jobs":
        return {alias.name for alias in node.names} <= allowed
    return not (isinstance(node, ast.Import) and any(a.name.split(".")[0] == "jobs" for a in node.names))


def wrong_config(tree: list[Module]) -> list[str]:
    """Return imports of the settings outside the entry points."""
    return [
        f"{module.name}:{one.line} may not read config"
        for module in tree
        if module.room not in READ_CONFIG
        for one in module.imports()
        if one.top == "config"
    ]


def known_sandbox(tree: list[Module]) -> list[str]:
    """Return imports of the sandbox by the program."""
    return [
        f"{module.name}:{one.line} may not import {one.name}"
        for module in tree
        if module.room not in ("sandbox", "tools")
        for one in module.imports()
        if one.top == "sandbox"
    ]


def known_adapters(tree: list[Module]) -> list[str]:
    """Return imports of adapters by domain, jobs and blueprints, which get them injected."""
    adapters = {
        module.name
        for module in tree
        if module.room == "connectors" and any(one.top in ADAPTER_MARKS for one in module.imports())
    }
    return [
        f"{module.name}:{one.line} may not import the adapter {one.name}"
        for module in tree
        if module.room in ("domain", "jobs", "blueprints")
        for one in module.imports()
        if one.name in adapters
    ]


def circles(tree: list[Module]) -> list[str]:
    """Return import cycles between packages and between modules."""
    names = {module.name for module in tree}
    between_rooms: dict[str, set[str]] = {}
    between_modules: dict[str, set[str]] = {}
    for module in tree:
        for one in module.imports():
            target = one.name if one.name in names else one.name.rpartition(".")[0]
            if one.typing_only or target not in names or target == module.name:
                continue
            # A package that imports its own modules is no cycle.
            if not module.name.startswith(f"{target}."):
                between_modules.setdefault(module.name, set()).add(target)
            if one.top != module.room and one.top in ROOMS:
                between_rooms.setdefault(module.room, set()).add(one.top)
    found = [circle for graph in (between_rooms, between_modules) if (circle := find_circle(graph))]
    return ["a circle: " + " → ".join(circle) for circle in found]


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """Return a cycle through a node, or an empty list."""
    done: set[str] = set()

    def visit(node: str, way: list[str]) -> list[str]:
        if node in way:
            return [*way[way.index(node) :], node]
        if node in done:
            return []
        for target in sorted(graph.get(node, ())):
            if circle := visit(target, [*way, node]):
                return circle
        done.add(node)
        return []

    return next((circle for node in sorted(graph) if (circle := visit(node, []))), [])


def lengths(tree: list[Module]) -> dict[str, int]:
    """Return the number of lines of every function, by location."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        f"{module.name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in tree
        for node in ast.walk(module.tree)
        if isinstance(node, kinds)
    }


def long_functions(tree: list[Module]) -> list[str]:
    """Return functions that are too long."""
    return [f"{place}: {lines} lines" for place, lines in lengths(tree).items() if lines > LONGEST]


DIALECT, DIALECT_NAMES = "models.dialect", {"is_sqlite", "is_postgres", "SqliteDatabase", "PostgresqlDatabase"}


def asked_dialect(tree: list[Module]) -> list[str]:
    """Return modules that ask which database is used: only `models.dialect` does, with a function per difference."""
    return [
        f"{module.name}:{getattr(node, 'lineno', 0)} asks {name}"
        for module in tree
        if module.name != DIALECT
        for node in ast.walk(module.tree)
        for name in (getattr(node, "id", None), getattr(node, "attr", None), getattr(node, "name", None))
        if name in DIALECT_NAMES
    ]


WALLS = (
    wrong_neighbours,
    wrong_packages,
    wrong_libraries,
    more_than_waking,
    wrong_config,
    known_sandbox,
    known_adapters,
    circles,
    long_functions,
    asked_dialect,
)


# --- the current code ---
@pytest.fixture(scope="module")
def house() -> list[Module]:
    return modules(ROOT)


def test_all_modules_are_found(house: list[Module]):
    assert {module.room for module in house} >= set(ROOMS)


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_the_rule_holds(wall, house: list[Module]):
    assert wall(house) == []


def test_the_domain_has_few_layers_and_imports(house: list[Module]):
    used = {name: set() for name in PACKAGE_MAY_KNOW}
    for module in house:
        if module.room == "domain" and module.package:
            known = {one.package for one in module.imports() if one.top == "domain"}
            used[module.package] |= known - {module.package, ""}
    assert used == PACKAGE_MAY_KNOW, "the table allows what nobody imports"
    assert max(floors(used).values()) <= MOST_FLOORS
    assert sum(map(len, used.values())) <= MOST_ARROWS


def test_most_functions_are_short(house: list[Module]):
    assert statistics.median(lengths(house).values()) <= MEDIAN


def test_the_domain_loads_no_external_clients():
    """Not visible statically: importing the domain loads no web framework, SOAP or HTTP client."""
    code = (
        "import pkgutil, importlib, sys, domain\n"
        "for m in pkgutil.walk_packages(domain.__path__, 'domain.'): importlib.import_module(m.name)\n"
        "print(sorted({'flask', 'zeep', 'requests', 'rq'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


# --- each rule detects a violation ---
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * LONGEST
PLANTED = [
    (wrong_neighbours, {"core/money.py": "from models import User"}),
    (wrong_neighbours, {"models/people.py": "import domain.accounts.accounts"}),
    (wrong_neighbours, {"connectors/bank/port.py": "def f():\n    from models import BankConsent"}),
    (wrong_neighbours, {"domain/a.py": "from blueprints.web import urls"}),
    (wrong_neighbours, {"sandbox/a.py": "from core import money"}),
    (wrong_packages, {"domain/payments/a.py": "from domain.orders import submission"}),
    (wrong_packages, {"domain/accounts/a.py": "from domain import payments"}),
    (wrong_packages, {"domain/outbox/a.py": "def f():\n    from domain.accounts.devices import DeviceCookie"}),
    (wrong_packages, {"domain/stray.py": ""}),
    (wrong_libraries, {"domain/a.py": "import flask_babel"}),
    (wrong_libraries, {"domain/a.py": "from lxml import etree"}),
    (wrong_libraries, {"connectors/smtp.py": "from peewee import Model"}),
    (wrong_libraries, {"models/a.py": "from flask import g"}),
    (wrong_libraries, {"blueprints/a/routes.py": "import requests.adapters"}),
    (more_than_waking, {"blueprints/a/routes.py": "import jobs"}),
    (more_than_waking, {"blueprints/a/routes.py": "from jobs import tasks"}),
    (more_than_waking, {"blueprints/a/routes.py": "from jobs.tasks import sweep"}),
    (more_than_waking, {"blueprints/a/routes.py": "from jobs import connection"}),
    (wrong_config, {"domain/a.py": "from config import settings"}),
    (wrong_config, {"blueprints/a/routes.py": "import config"}),
    (known_sandbox, {"app.py": "from sandbox import demo"}),
    (
        known_adapters,
        {"connectors/nmbrs/soap.py": "import zeep", "domain/a.py": "from connectors.nmbrs import soap"},
    ),
    (circles, {"domain/a.py": "from domain import b", "domain/b.py": "from domain.a import f"}),
    (
        circles,
        {
            "domain/a.py": "import connectors.x",
            "connectors/x.py": "from domain.b import f",
            "domain/b.py": "",
        },
    ),
    (long_functions, {"jobs/a.py": LONG_FUNCTION}),
    (asked_dialect, {"app.py": "import models\nmodels.is_sqlite()"}),
    (asked_dialect, {"domain/a.py": "from models.dialect import is_postgres as one"}),
    (asked_dialect, {"models/base.py": "import peewee\nisinstance(1, peewee.SqliteDatabase)"}),
]


@pytest.mark.parametrize(("wall", "files"), PLANTED)
def test_a_planted_violation_is_found(wall, files: dict[str, str], tmp_path: Path):
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    assert len(wall(modules(tmp_path))) >= 1


def test_allowed_imports_are_no_violation(tmp_path: Path):
    allowed = {
        "domain/common/a.py": "from connectors.bank import port\nfrom models import User\nfrom core import money",
        "domain/common/b.py": "from typing import TYPE_CHECKING\nfrom domain.common import a\n"
        "if TYPE_CHECKING:\n    from domain.common.c import C",
        "domain/common/c.py": "from domain.common import b",
        "connectors/bank/port.py": "from core import money",
        "models/__init__.py": "from models.people import User",
        "models/people.py": "from models.base import Table",
        "models/base.py": "import peewee",
        "app.py": "import config\nfrom blueprints import account",
        "blueprints/account.py": "from domain.common import a\nfrom jobs import enqueue",
    }
    for name, text in allowed.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    tree = modules(tmp_path)
    assert [sentence for wall in WALLS for sentence in wall(tree)] == []
