"""Texts that are said later, in the language of the one who then looks."""

from typing import cast

from flask_babel import lazy_gettext


def _l(text: str) -> str:
    """Like `lazy_gettext`, typed as the text it becomes: forms take it where they ask for a str."""
    return cast(str, lazy_gettext(text))
