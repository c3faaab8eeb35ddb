"""Parts shared by several presenters."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Note:
    """A note, shown by `templates/components/note.html`. `tone`: info, warn, bad or good."""

    tone: str
    title: str = ""
    text: str = ""


@dataclass(frozen=True)
class Task:
    """A list row, shown by `templates/components/task.html`.

    Without `url` the row is no link. `right` is shown at the end of the title, for an amount; `initials` of a bank
    replace the icon.
    """

    url: str
    icon: str
    title: str
    text: str = ""
    tone: str = ""
    right: str = ""
    initials: str = ""


@dataclass(frozen=True)
class Link:
    """A link: text and URL."""

    text: str
    url: str
