"""The requirement tables in docs: one row per requirement, and every named file, section and test exists."""

import re
from collections import Counter
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
NAMED = re.compile(r"`([\w./-]+\.\w+)(?:::(\w+))?`(?:, \"([^\"]+)\")?")
STATUSES = ("met: ", "not applicable: ", "open: ")
# OWASP ASVS 5.0.0: the level of each requirement, by section.
ASVS = {
    "1.1": "22", "1.2": "1111122223", "1.3": "112222222223", "1.4": "222", "1.5": "123",
    "2.1": "122", "2.2": "112", "2.3": "12223", "2.4": "23",
    "3.1": "3", "3.2": "113", "3.3": "12223", "3.4": "11222233", "3.5": "11122333", "3.6": "3", "3.7": "22333",
    "4.1": "12233", "4.2": "23333", "4.3": "22", "4.4": "1222",
    "5.1": "2", "5.2": "112333", "5.3": "113", "5.4": "222",
    "6.1": "122", "6.2": "111111112222", "6.3": "11223333", "6.4": "112233", "6.5": "22222333", "6.6": "2223",
    "6.7": "33", "6.8": "2222",
    "7.1": "222", "7.2": "1111", "7.3": "22", "7.4": "11222", "7.5": "223", "7.6": "22",
    "8.1": "1233", "8.2": "1123", "8.3": "133", "8.4": "23",
    "9.1": "111", "9.2": "1222",
    "10.1": "22", "10.2": "223", "10.3": "22223", "10.4": "1111122222233333", "10.5": "22222", "10.6": "22",
    "10.7": "222",
    "11.1": "2233", "11.2": "22233", "11.3": "11233", "11.4": "1222", "11.5": "23", "11.6": "23", "11.7": "33",
    "12.1": "12233", "12.2": "11", "12.3": "22223",
    "13.1": "2333", "13.2": "222223", "13.3": "2233", "13.4": "1222233",
    "14.1": "22", "14.2": "12223333", "14.3": "122",
    "15.1": "12233", "15.2": "12233", "15.3": "1222222", "15.4": "3333",
    "16.1": "2", "16.2": "22222", "16.3": "2222", "16.4": "222", "16.5": "2223",
    "17.1": "23", "17.2": "22223333", "17.3": "22",
}  # fmt: skip
LEVELS = {f"{section}.{number}": level for section, told in ASVS.items() for number, level in enumerate(told, 1)}
# WCAG 2.2, levels A and AA: the success criteria per guideline.
WCAG = {
    "1.1": [1], "1.2": [1, 2, 3, 4, 5], "1.3": [1, 2, 3, 4, 5], "1.4": [1, 2, 3, 4, 5, 10, 11, 12, 13],
    "2.1": [1, 2, 4], "2.2": [1, 2], "2.3": [1], "2.4": [1, 2, 3, 4, 5, 6, 7, 11], "2.5": [1, 2, 3, 4, 7, 8],
    "3.1": [1, 2], "3.2": [1, 2, 3, 4, 6], "3.3": [1, 2, 3, 4, 7, 8],
    "4.1": [2, 3],
}  # fmt: skip
# OWASP, cheat sheet "Transaction Authorization", and Regulation (EU) 2018/389, articles 4 and 5.
OWASP = [f"1.{number}" for number in range(1, 6)] + [f"2.{number}" for number in range(1, 11)]
RTS = [
    "4(1)", "4(2)(a)", "4(2)(b)", "4(2)(c)", "4(3)(a)", "4(3)(b)", "4(3)(c)", "4(3)(d)", "4(4)",
    "5(1)(a)", "5(1)(b)", "5(1)(c)", "5(1)(d)", "5(2)(a)", "5(2)(b)", "5(3)(a)", "5(3)(b)",
]  # fmt: skip
CHAPTERS = sorted((ROOT / "docs" / "asvs").glob("v*.md"))
SECURITY, ACCESSIBILITY = ROOT / "docs" / "security.md", ROOT / "docs" / "accessibility.md"


def cells(path: Path, number: str) -> list[tuple[str, ...]]:
    """Return the cells of each row of a document that begins with such a number."""
    rows = re.findall(rf"^\| ({number}) \| (.*) \|$", path.read_text(), re.MULTILINE)
    return [(found, *rest.split(" | ")) for found, rest in rows]


def in_chapters() -> list[tuple[str, ...]]:
    return [row for path in CHAPTERS for row in cells(path, r"\d+\.\d+\.\d+")]


SECURITY_ROWS = [
    *(row[::3] for row in in_chapters()),
    *(row[::2] for row in cells(SECURITY, r"\d\.\d+")), *(row[::2] for row in cells(SECURITY, r"\d\(\S+\)")),
]  # fmt: skip
WCAG_ROWS = [row[::2] for row in cells(ACCESSIBILITY, r"\d+\.\d+\.\d+")]


# --- each requirement once ---
def test_every_requirement_of_asvs_has_one_row_with_its_level():
    assert [(row[0], row[1]) for row in in_chapters()] == list(LEVELS.items())
    assert Counter(LEVELS.values()) == {"1": 70, "2": 183, "3": 92}
    assert {len(row) for row in in_chapters()} == {4}


def test_each_chapter_is_in_its_own_file():
    for number, path in enumerate(CHAPTERS, 1):
        assert path.name.startswith(f"v{number:02}-")
        assert {row[0].split(".")[0] for row in cells(path, r"\d+\.\d+\.\d+")} == {str(number)}
    assert len(CHAPTERS) == 17


def test_transaction_authorization_and_the_rts_are_whole():
    assert [row[0] for row in cells(SECURITY, r"\d\.\d+")] == OWASP
    assert [row[0] for row in cells(SECURITY, r"\d\(\S+\)")] == RTS


def test_every_criterion_of_wcag_has_one_row():
    assert [number for number, _ in WCAG_ROWS] == [f"{part}.{one}" for part, numbers in WCAG.items() for one in numbers]


def test_no_two_requirements_are_told_in_the_same_words():
    told = Counter(row[2] for row in in_chapters())
    assert [words for words, times in told.items() if times > 1] == []


def test_the_figures_of_the_overview_are_those_of_the_chapters():
    overview = (ROOT / "docs" / "asvs" / "README.md").read_text()
    for path in CHAPTERS:
        counted = Counter(row[3].split(":")[0] for row in cells(path, r"\d+\.\d+\.\d+"))
        figures = " | ".join(str(counted[status.removesuffix(": ")]) for status in STATUSES)
        assert f"]({path.name}) | {figures} |" in overview, (path.name, figures)


# --- what a row names ---
@pytest.mark.parametrize(("number", "status"), SECURITY_ROWS)
def test_each_security_requirement_has_a_status_and_shows_it(number: str, status: str):
    assert status.startswith(STATUSES), status
    assert len(status.split(": ", 1)[1]) > 6, "why, or by what"
    if status.startswith("met: "):
        named = NAMED.findall(status)
        documented = re.fullmatch(r"\d+\.1\.\d+", number) and any(path.endswith(".md") for path, *_ in named)
        assert documented or any(test for _, test, _ in named), f"{number} names no test"


@pytest.mark.parametrize(("number", "status"), WCAG_ROWS)
def test_each_criterion_of_wcag_names_a_test_or_says_why_not(number: str, status: str):
    assert NAMED.search(status) or status.startswith(("not applicable: ", "not met: ")), status


@pytest.mark.parametrize(("number", "status"), [*SECURITY_ROWS, *WCAG_ROWS])
def test_named_files_sections_and_tests_exist(number: str, status: str):
    for path, test, section in NAMED.findall(status):
        assert (ROOT / path).is_file(), path
        assert not test or re.search(rf"^(async )?def {test}\(", text_of(path), re.MULTILINE), f"{path}::{test}"
        assert not section or re.search(rf"^#+ {re.escape(section)}$", text_of(path), re.MULTILINE), section


@cache
def text_of(path: str) -> str:
    return (ROOT / path).read_text()
