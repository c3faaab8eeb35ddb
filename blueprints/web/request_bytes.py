"""Repair or refuse what a server passes on of a request line, before Flask reads it."""

import re
import string
from collections.abc import Iterable
from typing import TYPE_CHECKING
from urllib.parse import quote

from werkzeug.wrappers import Response

if TYPE_CHECKING:
    from _typeshed.wsgi import StartResponse, WSGIApplication, WSGIEnvironment

_CONTROLS = re.compile(r"[\x00-\x1f\x7f]")
_PRINTABLE = string.ascii_letters + string.digits + string.punctuation


class ReadableRequests:
    """WSGI middleware: other bytes than ASCII in the query are escaped, and control characters in the path refused.

    Werkzeug decodes the query as UTF-8 and fails on other bytes; a redirect to a path with a line break fails too.
    """

    def __init__(self, app: "WSGIApplication") -> None:
        self._app = app

    def __call__(self, environ: "WSGIEnvironment", start_response: "StartResponse") -> Iterable[bytes]:
        query = environ.get("QUERY_STRING", "")
        environ["QUERY_STRING"] = quote(query.encode("latin-1"), safe=_PRINTABLE)
        if _CONTROLS.search(environ.get("PATH_INFO", "")):
            return Response("", 400, mimetype="text/plain")(environ, start_response)
        return self._app(environ, start_response)
