"""Select the reader's language and its texts.

The code contains the Dutch texts. The English .po file is parsed at first use, which is fast enough to do without a
compiled catalogue that could be outdated.
"""

from functools import cache
from io import BytesIO
from pathlib import Path
from typing import Any

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po
from babel.support import NullTranslations, Translations
from flask import Flask, Response, g, has_request_context, request
from flask_babel import Babel, Domain, get_locale
from flask_login import current_user
from werkzeug.utils import cached_property

from blueprints.web.outside_text import isolated
from blueprints.web.responses import asks_fragment, vary_on

SOURCE = "nl"
LANGUAGES = (SOURCE, "en")
_FOLDER = Path(__file__).parents[2] / "translations"


@cache
def texts(of: str) -> NullTranslations:
    """Return the translations from Dutch to this language."""
    if of == SOURCE:
        return NullTranslations()
    with (_FOLDER / of / "LC_MESSAGES" / "messages.po").open("rb") as file:
        catalogue = read_po(file, locale=of)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return Translations(compiled)


class Texts(Domain):
    """Flask-Babel's domain with these texts instead of compiled files."""

    def get_translations(self) -> NullTranslations:
        return texts(language())

    def gettext(self, string: str, **variables: Any) -> str:
        return super().gettext(string, **isolated(variables))

    def ngettext(self, singular: str, plural: str, num: int, **variables: Any) -> str:
        return super().ngettext(singular, plural, num, **isolated(variables))


class PoBabel(Babel):
    """Flask-Babel with these texts."""

    @cached_property
    def domain_instance(self) -> Domain:
        return Texts()


def language() -> str:
    """Return the language of this page or mail: nl or en."""
    locale = get_locale()
    return locale.language if locale else SOURCE


def ignore_user_locale() -> None:
    """Use the browser's language for this response, not the user's."""
    g.reader_unknown = True


def select_locale() -> str:
    """Return the user's choice, else the browser's preference, else Dutch."""
    if not has_request_context():
        return SOURCE
    return _own_choice() or _of_browser()


def _own_choice() -> str | None:
    # the service worker fetches without cookies, and its cache is shared
    if g.get("reader_unknown") or request.blueprint == "pwa":
        return None
    return current_user.locale if current_user and current_user.is_authenticated else None


def _of_browser() -> str:
    g.language_of_browser = True
    return request.accept_languages.best_match(LANGUAGES, default=SOURCE) or SOURCE


def add_language_headers(response: Response) -> Response:
    """Add Content-Language to pages, and Vary if the browser's preference decided."""
    if response.mimetype in ("text/html", "application/manifest+json") and not asks_fragment():
        response.headers["Content-Language"] = language()
    if g.get("language_of_browser"):
        vary_on(response, "Accept-Language")
    return response


def init_languages(app: Flask) -> None:
    """Add the languages to the app and all its responses."""
    PoBabel(app, default_locale=SOURCE, default_timezone="Europe/Amsterdam", locale_selector=select_locale)
    app.after_request(add_language_headers)
