"""Texts from outside on pages, in mails and in notifications: hidden characters shown, directions kept apart.

Every value that a template prints passes `_finalize`, and every value in a translated sentence `isolate`; both know
nothing of where a text comes from, so none can be forgotten. Names and descriptions stand in `<bdi>` as well
(`{{ name|bdi }}`). Markup of our own is left alone.
"""

import re
from typing import Any

from flask import Flask
from flask_babel import get_domain
from jinja2 import pass_context, pass_eval_context
from jinja2.nodes import EvalContext
from jinja2.runtime import Context
from markupsafe import Markup, escape

from core.hidden_characters import MARKER, drop_hidden, has_hidden, isolate, mark_hidden, show_hidden

_LINE = re.compile("(\n)")


def init_outside_text(app: Flask) -> None:
    """Add the filters for outside texts, and show the hidden characters of every text that a template prints."""
    app.jinja_env.finalize = _finalize
    app.jinja_env.filters.update(bdi=bdi, drop_hidden=drop_hidden, isolate=isolate)
    app.jinja_env.globals.update(gettext=_gettext, ngettext=_ngettext, _=_gettext)


@pass_eval_context
def _finalize(context: EvalContext, value: Any) -> Any:
    if type(value) is not str or (value.isascii() and value.isprintable()) or not has_hidden(value):
        return value
    if context.autoescape:
        return show_hidden(value)
    return "".join(part if part == "\n" else show_hidden(part) for part in _LINE.split(value))  # a mail's own lines


def bdi(value: Any, ours: bool = False) -> Markup:
    """Return an outside text as markup that keeps its direction to itself, each hidden character as a sign in it.

    `ours`: it may be a sentence of ours, with an outside text isolated in it.
    """
    if isinstance(value, Markup):
        return value
    text = str(value)
    if text.isascii() and text.isprintable():
        return Markup(f"<bdi>{escape(text)}</bdi>")  # noqa: S704 (escaped)
    shown = escape(show_hidden(text) if ours else mark_hidden(text))
    marked = MARKER.sub(r'<mark class="hidden-sign">\g<0></mark>', str(shown))
    return Markup(f"<bdi>{marked}</bdi>")  # noqa: S704 (escaped)


def isolated(variables: dict[str, Any]) -> dict[str, Any]:
    """Return the values of a translated sentence, with those from outside made harmless to the words around them."""
    for name, value in variables.items():
        if type(value) is str and not (value.isascii() and value.isprintable()):
            variables[name] = isolate(value)
    return variables


@pass_context
def _gettext(context: Context, text: str, /, **variables: Any) -> str:
    """Return the translation with its values, as Jinja's own gettext does (its "newstyle")."""
    return _filled(context, get_domain().get_translations().ugettext(text), variables)


@pass_context
def _ngettext(context: Context, one: str, many: str, num: int, /, **variables: Any) -> str:
    variables.setdefault("num", num)
    return _filled(context, get_domain().get_translations().ungettext(one, many, num), variables)


def _filled(context: Context, text: str, variables: dict[str, Any]) -> str:
    found = Markup(text) if context.eval_ctx.autoescape else text  # noqa: S704 (ours)
    return found % isolated(variables)
