"""Parts shared by several presenters."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A note, shown by `templates/components/note.html`. `tone`: info, warn, bad or good."""

    tone: str
    title: str = ""
    text: str = ""


@dataclass(frozen=True)
class Link:
    """A link: text and URL."""

    text: str
    url: str
