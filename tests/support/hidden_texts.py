"""Texts with characters that nobody sees, one of each kind, for tests that plant them."""

import re

# Of each kind that a database stores: controls, directions, zero width, tags, fillers, separators, private, unassigned.
KINDS = {
    "backspace": "\x08", "tab": "\t", "line": "\n", "return": "\r\n", "escape": "\x1b[2K", "delete": "\x7f",
    "c1": "\x9b", "next line": "\x85", "soft hyphen": "\xad", "override": "\u202e", "embedding": "\u202b",
    "isolate": "\u2067", "pop": "\u202c", "first strong": "\u2068", "pop isolate": "\u2069", "lrm": "\u200e",
    "rlm": "\u200f", "alm": "\u061c", "zero width space": "\u200b", "joiner": "\u200d", "non-joiner": "\u200c",
    "word joiner": "\u2060", "bom": "\ufeff", "tag": "\U000e0041", "variation": "\ufe0f",
    "variation supplement": "\U000e0101", "grapheme joiner": "\u034f", "hangul filler": "\u3164",
    "blank braille": "\u2800", "line separator": "\u2028", "paragraph separator": "\u2029", "private": "\ue000",
    "unassigned": "\U000e0fff", "annotation": "\ufff9", "zalgo": "\u0335" * 40, "thai flood": "\u0e47" * 9,
}  # fmt: skip
PLANTED = "".join(f"{number}q{signs}" for number, signs in enumerate(KINDS.values()))
HEBREW = "שרה כהן"
# As a page or mail may not hold it. A mail has lines of its own.
RAW = re.compile(
    "[\x00-\x08\x0b\x0c\x0e-\x1f\x7f-\x9f\xad\u034f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u2067\u2069-\u206f\u2800"
    "\u3164\ue000\ufe00-\ufe0f\ufeff\ufff9-\ufffb\U000e0000-\U000e0fff]|\u0335{4}|\u0e47{4}|q[\t\n\r]"
)
OURS = re.compile("\u2068([^\u2068\u2069]*[\u0590-\u05ff][^\u2068\u2069]*)\u2069")  # an isolate around Hebrew
