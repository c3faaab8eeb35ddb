"""Contrast in light and dark mode: at least 4.5:1 for text and 3:1 for control borders (WCAG 2.2)."""

import re
from pathlib import Path

import pytest

CSS = Path(__file__).parent.parent / "static" / "css"
LIGHT, DARK = (CSS / "tokens.css").read_text().split("prefers-color-scheme: dark", 1)
WORDS = {
    "ink": ("paper", "surface", "sunken", "accent-soft", "good-soft", "warn-soft", "bad-soft"),
    "ink-2": ("paper", "surface", "sunken", "accent-soft", "good-soft", "warn-soft", "bad-soft"),
    "ink-3": ("paper", "surface"),
    "accent": ("paper", "surface", "sunken", "accent-soft", "bad-soft"),
    "good": ("surface", "good-soft"),
    "warn": ("surface", "warn-soft"),
    "bad": ("paper", "surface", "bad-soft"),
    "on-accent": ("accent", "accent-2"),
}


def colours(part: str) -> dict[str, str]:
    return dict(re.findall(r"--([\w-]+): (#[0-9A-F]{6})", part))


def brightness(colour: str) -> float:
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.03928 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(one: str, other: str) -> float:
    low, high = sorted((brightness(one), brightness(other)))
    return (high + 0.05) / (low + 0.05)


@pytest.mark.parametrize("part", [LIGHT, DARK], ids=["light", "dark"])
def test_text_contrast(part: str):
    found = colours(part)
    low = [
        f"{word} on {ground}: {contrast(found[word], found[ground]):.2f}"
        for word, grounds in WORDS.items()
        for ground in grounds
        if contrast(found[word], found[ground]) < 4.5
    ]
    assert low == []


@pytest.mark.parametrize("part", [LIGHT, DARK], ids=["light", "dark"])
def test_border_contrast(part: str):
    found = colours(part)
    assert min(contrast(found["edge"], found[ground]) for ground in ("paper", "surface", "sunken")) >= 3


def test_the_contrast_of_black_on_white():
    assert contrast("#000000", "#FFFFFF") == pytest.approx(21)
    assert contrast("#777777", "#FFFFFF") < 4.5


def test_colours_are_defined_in_tokens_only():
    for name in ("base", "chrome", "components"):
        text = re.sub(r"url\([^)]*\)", "", (CSS / f"{name}.css").read_text())
        assert re.findall(r"#[0-9a-fA-F]{3,8}\b(?=[ ;,)])", text) == [], name


def test_the_dark_scheme_changes_values_only():
    """It sets custom properties and nothing else, so a layout that was checked in light holds in dark."""
    blocks = [
        block
        for file in sorted(CSS.glob("*.css"))
        for block in re.findall(r"prefers-color-scheme: dark\) \{(.*?\n {4}\})\n {2}\}", file.read_text(), re.DOTALL)
    ]
    assert len(blocks) == sum(file.read_text().count("prefers-color-scheme: dark") for file in CSS.glob("*.css")) >= 2
    declared = [name for block in blocks for name in re.findall(r"(?:^|[;{])\s*([a-z-]+):", block)]
    assert "--paper" in declared and [name for name in declared if not name.startswith("--")] == []
