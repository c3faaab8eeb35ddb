"""Log of every exchange of the bank APIs, one JSON object a line, to compare with the Berlin Group OpenAPI.

Written only if the sandbox has a folder for it; one file per process.
"""

import json
import os
import threading
from pathlib import Path
from typing import Any

from flask import Flask, Response, request

from sandbox import faults

_writing = threading.Lock()
# Files have their own schema; the OpenAPI document does not describe their content.
_XML = "application/xml"


def setup(app: Flask, folder: str) -> None:
    """Write the requests and answers of the banks to `folder`."""
    Path(folder).mkdir(parents=True, exist_ok=True)
    path = Path(folder) / f"{os.getpid()}.jsonl"

    @app.after_request
    def note(response: Response) -> Response:
        if request.path.startswith("/bank/") and "/v1/" in request.path:
            row = json.dumps(exchange(response))
            with _writing, path.open("a", encoding="utf-8") as lines:
                lines.write(f"{row}\n")
        return response


def exchange(response: Response) -> dict[str, Any]:
    """Return an exchange. An answer cut off before its first byte has no status."""
    cut = response.is_streamed
    return {
        "method": request.method, "target": request.full_path.rstrip("?"), "headers": dict(request.headers),
        "body": content(request.mimetype, request.get_data(cache=True)),
        "switches": [name for name, on in faults.states().items() if on and name.startswith("bank_")],
        "status": None if cut else response.status_code, "answer_headers": dict(response.headers),
        "answer": "" if cut else content(response.mimetype, response.get_data()),
    }  # fmt: skip


def content(media: str | None, body: bytes) -> str:
    return "<file/>" if media == _XML and body else body.decode("utf-8", "backslashreplace")
