"""Texts that are translated when they are shown, in the reader's language."""

from typing import cast

from flask_babel import lazy_gettext


def _l(text: str) -> str:
    """Return `lazy_gettext(text)`, typed as str for forms."""
    return cast(str, lazy_gettext(text))
