"""The parts that several presenters hand to the templates."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """Something to know: `templates/components/note.html` shows it. `tone`: info, warn, bad or good."""

    tone: str
    title: str = ""
    text: str = ""


@dataclass(frozen=True)
class Link:
    """Words that lead somewhere."""

    text: str
    url: str
