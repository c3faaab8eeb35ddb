"""Files, sections, commands and settings named in documents, comments and docstrings exist."""

import ast
import io
import re
import tokenize
from pathlib import Path

import click
import pytest

import commands

ROOT = Path(__file__).parent.parent
PAGES = [*sorted(ROOT.glob("*.md")), *sorted((ROOT / "docs").rglob("*.md"))]
ROOMS = ("blueprints", "bench", "config", "connectors", "core", "deploy", "docs", "domain", "jobs", "models", "sandbox",
         "static", "templates", "tests", "tools")  # fmt: skip
_PATH = re.compile(rf"`((?:{'|'.join(ROOMS)})/[\w./-]*|[a-z_]+\.(?:py|md|txt))(?:::\w+)?`")
_COMMAND = re.compile(r"`flask --app app ([a-z-]+)(?: ([a-z-]+))?")
_SETTING = re.compile(r"BIZCUIT_[A-Z_]+[A-Z]")
ids = [str(page.relative_to(ROOT)) for page in PAGES]


@pytest.fixture(scope="module")
def known() -> dict[str, click.Command]:
    """Return all commands by name."""
    found: dict[str, click.Command] = {}

    class Line:
        add_command = staticmethod(lambda command: found.setdefault(command.name, command))

    commands.register(type("App", (), {"cli": Line})())  # type: ignore[arg-type]
    return found


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_named_files_exist(page: Path):
    named = {match[1] for match in _PATH.finditer(page.read_text("utf-8"))}
    missing = [name for name in named if not _is_there(name)]
    assert missing == []


def _is_there(name: str) -> bool:
    """Return whether a file exists, as written or with .py added."""
    return (ROOT / name).exists() or (ROOT / f"{name}.py").exists()


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_named_commands_exist(page: Path, known: dict[str, click.Command]):
    for name, below in _COMMAND.findall(page.read_text("utf-8")):
        assert name in known
        group = known[name]
        if below and isinstance(group, click.Group):
            assert below in group.commands, f"{name} {below}"


@pytest.mark.parametrize("page", PAGES, ids=ids)
def test_named_settings_exist(page: Path):
    """Settings of the product are in .env.example; those of the tests are read by them or set where they are started.
    """
    sources = (".env.example", "Makefile", ".ci/run", "tests/conftest.py", "tests/support/reference.py")
    listed = {name for source in sources for name in _SETTING.findall((ROOT / source).read_text("utf-8"))}
    assert set(_SETTING.findall(page.read_text("utf-8"))) <= listed


def test_every_command_is_documented_for_operators(known: dict[str, click.Command]):
    """Each command group or command is on the page for operators."""
    text = (ROOT / "docs" / "operating.md").read_text("utf-8")
    told = {name for name, _ in _COMMAND.findall(text)}
    assert set(known) - told == {"seed-demo"}


# --- citations in comments and docstrings ---
_CITED = re.compile(rf"(?<![\w/.-])((?:{'|'.join(ROOMS)})/(?:[\w-]+/)*[\w.-]+\.[a-z]+)")
_PLACE = re.compile(r"\b(docs/[\w/-]+\.md), (section|never-list|rule)?\s*(\d+(?:\.\d+)?)")
_OUTSIDE = re.compile(
    r"\.\./shared|\bDESIGN\b|\bHEART\b|\bfacts?[ ,/(]*§|\(facts\b|\bthe facts (?:ask|say)|[Mm]anual page|§ ?\d"
)
WRITTEN_BY_TOOLS = {"bench/results.json"}


def _sources() -> list[Path]:
    """Yield every source file that can have comments."""
    at_root = [ROOT / "Makefile", ROOT / ".ci" / "run", ROOT / ".env.example", *ROOT.glob("*.py"), *ROOT.glob("*.toml")]
    in_rooms = [path for room in ROOMS for path in sorted((ROOT / room).rglob("*"))]
    return at_root + [path for path in in_rooms
                      if path.suffix in {".py", ".html", ".js", ".css"} and "vendor" not in path.parts]  # fmt: skip


def _words(path: Path) -> str:
    """Return comments and docstrings of a Python file; the whole text of any other file."""
    text = path.read_text("utf-8")
    if path.suffix != ".py":
        return text
    documented = (ast.Module, ast.ClassDef, ast.FunctionDef, ast.AsyncFunctionDef)
    docstrings = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, documented)]
    tokens = tokenize.generate_tokens(io.StringIO(text).readline)
    return "\n".join([*docstrings, *(token.string for token in tokens if token.type == tokenize.COMMENT)])


@pytest.fixture(scope="module")
def words() -> dict[str, str]:
    """Comments and docstrings of each source file, by path."""
    return {str(path.relative_to(ROOT)): _words(path) for path in _sources()}


def missing_files(words: dict[str, str]) -> list[str]:
    """Return citations of files that do not exist."""
    return [f"{name}: {cited}" for name, text in words.items() for cited in _CITED.findall(text)
            if cited not in WRITTEN_BY_TOOLS and not _is_there(cited)]  # fmt: skip


def missing_places(words: dict[str, str]) -> list[str]:
    """Return citations of sections or rules that the document lacks."""
    return [f"{name}: {document}, {number}" for name, text in words.items()
            for document, kind, number in _PLACE.findall(text) if not _has_place(document, kind, number)]  # fmt: skip


def _has_place(document: str, kind: str, number: str) -> bool:
    """Return whether a place exists: `## 4.` is section 4; rule 3 of a list is its item 3; 1.4 is item 4 below section
    1.
    """
    text = (ROOT / document).read_text("utf-8")
    if kind == "never-list":
        text = text.partition("must never happen\n")[2]
    if kind in ("never-list", "rule"):
        return bool(re.search(rf"^{number}\. ", text, re.MULTILINE))
    section, _, item = number.partition(".")
    heading = re.search(rf"^## {section}\. .*\n((?:(?!## ).*\n)*)", text, re.MULTILINE)
    return bool(heading) and (not item or bool(re.search(rf"^{item}\. ", heading[1], re.MULTILINE)))


def outside_sources(words: dict[str, str]) -> list[str]:
    """Return citations of documents outside the repository."""
    return [f"{name}: {match[0]}" for name, text in words.items() if (match := _OUTSIDE.search(text))]


def test_files_cited_in_comments_exist(words: dict[str, str]):
    assert missing_files(words) == []


def test_sections_cited_in_comments_exist(words: dict[str, str]):
    assert missing_places(words) == []


def test_sections_cited_in_documents_exist():
    assert missing_places({str(page.relative_to(ROOT)): page.read_text("utf-8") for page in PAGES}) == []


def test_no_document_outside_the_repository_is_cited(words: dict[str, str]):
    pages = {str(page.relative_to(ROOT)): page.read_text("utf-8") for page in PAGES}
    assert outside_sources(words | pages) == []


@pytest.mark.parametrize(
    ("check", "planted"),
    [
        (missing_files, "see docs/nowhere.md"),
        (missing_places, "docs/design.md, never-list 99"),
        (missing_places, "docs/facts/identity.md, 1.99"),
        (missing_places, "docs/facts/bank.md, section 99"),
        (outside_sources, "as DESIGN says"),
        (outside_sources, "(facts \u00a73.1)"),
    ],
)
def test_a_planted_citation_is_found(check, planted: str):
    assert check({"x.py": planted})


# --- the glossary ---
_TERM = re.compile(r"^\| ([^|]+) \| ([^|]+) \| ([^|]+) \| ([^|]+) \| (\w+) \|$", re.MULTILINE)


def test_each_term_of_the_glossary_has_a_location():
    text = (ROOT / "docs" / "glossary.md").read_text("utf-8")
    drawing = (ROOT / "docs" / "architecture.md").read_text("utf-8")
    packages = set(re.findall(r"^ {8}(\w+)$", drawing, re.MULTILINE))
    terms = _TERM.findall(text)
    rows = [line for line in text.splitlines() if line.startswith("| ") and not line.startswith("| Dutch")]
    assert len(terms) == len(rows) > 60, "a row has another form"
    assert {room for *_words, room in terms} <= packages | set(ROOMS)


@pytest.mark.parametrize(
    "term",
    ["debtor", "creditor", "loonheffing", "administratie", "payroll run", "batch", "release", "order", "VoP", "SCA",
     "consent", "seintje", "betaalopdracht", "end-to-end id", "reconciliation", "outbox", "polling"],
)  # fmt: skip
def test_the_glossary_has_the_terms_of_the_field(term: str):
    assert term in (ROOT / "docs" / "glossary.md").read_text("utf-8")
