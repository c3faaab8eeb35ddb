"""The walls of the house: who may import whom, and how long a function may be.

Each wall is a function from a tree of modules to the sentences about what is wrong in it, so that
the tests below can also plant a violation and see it found.
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
LONGEST, MEDIAN = 60, 10  # lines of a function

# What of ours each room may import beside itself. How far blueprints know jobs stands below.
MAY_KNOW = {
    "core": set(),
    "models": {"core"},
    "connectors": {"core"},
    "domain": {"connectors", "core", "models"},
    "jobs": {"connectors", "core", "domain", "models"},
    "blueprints": {"core", "domain", "jobs", "models"},
    "sandbox": set(),
}
# The floors of the domain: what each of its packages may import beside itself. Only downwards, so there is no circle.
PACKAGE_MAY_KNOW = {
    "common": set(),
    "identity": {"common"},
    "outbox": {"common"},
    "accounts": {"common", "identity", "outbox"},
    "banking": {"common", "identity", "outbox"},
    "payments": {"accounts", "banking", "common", "identity", "outbox"},
    "orders": {"accounts", "banking", "common", "identity", "payments"},
    "payroll": {"banking", "common", "outbox", "payments"},
    "reconciliation": {"banking", "common", "orders", "payments"},
    "team": {"accounts", "common", "identity", "outbox", "payments", "payroll"},
    "overview": {"accounts", "banking", "common", "identity", "payments", "payroll"},
    "operations": {"accounts", "common", "orders", "payments"},
}
MOST_FLOORS, MOST_ARROWS = 8, 60
# What of others' a room may not import.
FORBIDDEN = {
    "core": {"flask", "peewee", "playhouse", "zeep", "requests", "rq", "redis"},
    "models": {"flask", "zeep", "requests"},
    "connectors": {"flask", "peewee", "playhouse", "rq", "redis"},
    "domain": {"flask", "zeep", "requests", "lxml", "rq", "redis"},
    "jobs": {"zeep", "requests", "lxml"},
    "blueprints": {"zeep", "requests", "lxml"},
}
# A view may wake a job and nothing more; what says whether we are ready also asks the queue.
OF_JOBS = {"enqueue"}
OF_JOBS_IN = {"blueprints.ops.routes": {"connection"}}
# Modules that speak to the outside: handed in by the program's front doors, imported by nobody else.
ADAPTER_MARKS = {"zeep", "requests", "authlib", "urllib3"}
READ_CONFIG = ("app", "worker", "commands", "config", "tools", "tests")


def package_of(name: str) -> str:
    """The package of the domain: "payments" of domain.payments.release; empty for domain itself."""
    return (name.split(".") + [""])[1]


@dataclass(frozen=True)
class Import:
    """One import: the module that is named, the line, and whether only the type checker sees it."""

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
    """One file: its dotted name and its parsed text."""

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
    """Every node, and whether it stands under `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        under = hidden or (isinstance(child, ast.If) and "TYPE_CHECKING" in ast.unparse(child.test))
        yield child, under
        yield from walk(child, under)


def modules(root: Path) -> list[Module]:
    """The program's own files below `root`: its rooms, its front doors, its tools."""
    files = [path for room in (*ROOMS, "tools") for path in (root / room).rglob("*.py")] + list(
        root.glob("*.py")
    )
    return [Module(name_of(path.relative_to(root)), ast.parse(path.read_text(), str(path))) for path in files]


def name_of(path: Path) -> str:
    return ".".join(path.with_suffix("").parts).removesuffix(".__init__")


# --- the walls ------------------------------------------------------------------------------------
def wrong_neighbours(tree: list[Module]) -> list[str]:
    """Imports of our own rooms that a room may not know."""
    return [
        f"{module.name}:{one.line} may not import {one.name}"
        for module in tree
        if module.room in MAY_KNOW
        for one in module.imports()
        if one.top in ROOMS and one.top != module.room and one.top not in MAY_KNOW[module.room]
    ]


def wrong_packages(tree: list[Module]) -> list[str]:
    """Imports between packages of the domain that the table of floors does not allow, and modules outside a package."""
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
    """The floor of each package: 1 when it imports no other, else one above the highest that it imports."""
    known: dict[str, int] = {}

    def floor(name: str) -> int:
        if name not in known:
            known[name] = 1 + max((floor(below) for below in graph[name]), default=0)
        return known[name]

    return {name: floor(name) for name in graph}


def wrong_libraries(tree: list[Module]) -> list[str]:
    """Imports of libraries that have no business in a room."""
    return [
        f"{module.name}:{one.line} may not import {one.name}"
        for module in tree
        for one in module.imports()
        if any(one.top == name or one.top.startswith(f"{name}_") for name in FORBIDDEN.get(module.room, ()))
    ]


def more_than_waking(tree: list[Module]) -> list[str]:
    """A view names what it takes from jobs, and that is `enqueue` only."""
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
    """Only the front doors read the settings."""
    return [
        f"{module.name}:{one.line} may not read config"
        for module in tree
        if module.room not in READ_CONFIG
        for one in module.imports()
        if one.top == "config"
    ]


def known_sandbox(tree: list[Module]) -> list[str]:
    """Nothing of the program knows that it plays against a sandbox."""
    return [
        f"{module.name}:{one.line} may not import {one.name}"
        for module in tree
        if module.room not in ("sandbox", "tools")
        for one in module.imports()
        if one.top == "sandbox"
    ]


def known_adapters(tree: list[Module]) -> list[str]:
    """Domain, jobs and blueprints know ports; what speaks to the outside is handed in."""
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
    """Rooms, and modules, that import each other in a circle."""
    names = {module.name for module in tree}
    between_rooms: dict[str, set[str]] = {}
    between_modules: dict[str, set[str]] = {}
    for module in tree:
        for one in module.imports():
            target = one.name if one.name in names else one.name.rpartition(".")[0]
            if one.typing_only or target not in names or target == module.name:
                continue
            # A package that gathers its own modules is no circle: the gathering is what it is for.
            if not module.name.startswith(f"{target}."):
                between_modules.setdefault(module.name, set()).add(target)
            if one.top != module.room and one.top in ROOMS:
                between_rooms.setdefault(module.room, set()).add(one.top)
    found = [circle for graph in (between_rooms, between_modules) if (circle := find_circle(graph))]
    return ["a circle: " + " → ".join(circle) for circle in found]


def find_circle(graph: dict[str, set[str]]) -> list[str]:
    """One way from a node back to itself; empty when there is none."""
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
    """Lines of every function, by its place."""
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {
        f"{module.name}:{node.lineno} {node.name}": (node.end_lineno or node.lineno) - node.lineno + 1
        for module in tree
        for node in ast.walk(module.tree)
        if isinstance(node, kinds)
    }


def long_functions(tree: list[Module]) -> list[str]:
    """Functions that a reader cannot see at once."""
    return [f"{place}: {lines} lines" for place, lines in lengths(tree).items() if lines > LONGEST]


DIALECT, DIALECT_NAMES = "models.dialect", {"is_sqlite", "is_postgres", "SqliteDatabase", "PostgresqlDatabase"}


def asked_dialect(tree: list[Module]) -> list[str]:
    """Modules that ask which database is below: only `models.dialect` does, and has a function for each difference."""
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


# --- the house as it stands -----------------------------------------------------------------------
@pytest.fixture(scope="module")
def house() -> list[Module]:
    return modules(ROOT)


def test_there_is_a_house(house: list[Module]):
    assert {module.room for module in house} >= set(ROOMS)


@pytest.mark.parametrize("wall", WALLS, ids=lambda wall: wall.__name__)
def test_the_wall_stands(wall, house: list[Module]):
    assert wall(house) == []


def test_the_domain_has_few_floors_and_arrows(house: list[Module]):
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


def test_the_domain_works_without_the_outside():
    """What a static look cannot see: importing the domain brings in no web, no SOAP, no HTTP client."""
    code = (
        "import pkgutil, importlib, sys, domain\n"
        "for m in pkgutil.walk_packages(domain.__path__, 'domain.'): importlib.import_module(m.name)\n"
        "print(sorted({'flask', 'zeep', 'requests', 'rq'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.stdout.strip() == "[]", done.stderr


# --- each wall is seen to hold --------------------------------------------------------------------
LONG_FUNCTION = "def f():\n" + "    x = 1\n" * LONGEST
PLANTED = [
    (wrong_neighbours, {"core/money.py": "from models import User"}),
    (wrong_neighbours, {"models/people.py": "import domain.accounts.accounts"}),
    (wrong_neighbours, {"connectors/bank/port.py": "def f():\n    from models import BankLink"}),
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


def test_what_is_allowed_is_not_called_wrong(tmp_path: Path):
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
