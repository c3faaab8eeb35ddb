"""Log lines: a JSON object a line for machines, a line for people, each with the request and job that it belongs to."""

import io
import json
import logging
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

import pytest

from core import log_context
from core.log_records import OneLineRecord, json_formatter, text_formatter

ROOT = Path(__file__).parents[1]


class Written:
    """A logger of ours that writes to memory."""

    def __init__(self, formatter: logging.Formatter) -> None:
        self.stream = io.StringIO()
        self._handler = logging.StreamHandler(self.stream)
        self._handler.setFormatter(formatter)

    def log(self, text: str, *args: object, **more: object) -> None:
        exception = bool(more.pop("exc_info", False))
        record = OneLineRecord("domain.x", logging.WARNING, "x.py", 1, text, args,
                               sys.exc_info() if exception else None)  # fmt: skip
        record.__dict__.update(more)
        self._handler.handle(record)

    @property
    def lines(self) -> list[str]:
        return self.stream.getvalue().splitlines()


@pytest.fixture
def as_json() -> Written:
    return Written(json_formatter())


@pytest.fixture(autouse=True)
def nothing_else() -> Iterator[None]:
    yield
    log_context.begin_request()
    log_context.end_request()


def test_a_line_is_one_json_object(as_json: Written):
    as_json.log("a bank said %s", "first\nsecond\u2028\x1b[31m\u202e")
    (line,) = as_json.lines
    assert line.isascii()
    found = json.loads(line)
    assert (found["level"], found["logger"]) == ("warning", "domain.x")
    assert found["event"].startswith("a bank said first⟨U+000A⟩second")
    assert datetime.fromisoformat(found["time"]).tzinfo is not None and found["time"].endswith("Z")


def test_facts_are_fields_and_cannot_replace_what_the_line_says_of_itself(as_json: Written):
    as_json.log("x", fields={"counterpart": "bank", "milliseconds": 12, "level": "info", "logger": "y", "time": "z"})
    found = json.loads(as_json.lines[0])
    assert (found["counterpart"], found["milliseconds"]) == ("bank", 12)
    assert (found["level"], found["logger"]) == ("warning", "domain.x") and found["time"] != "z"


def test_a_traceback_is_in_the_same_line_and_holds_no_values(as_json: Written):
    secret = "-".join(("s3cret", "of", "a", "person"))
    try:
        _ = {}[len(secret)]
    except KeyError:
        as_json.log("failed", exc_info=True)
    (line,) = as_json.lines
    told = json.loads(line)["exception"]
    assert told.startswith("Traceback") and "KeyError" in told and secret not in line


def test_a_line_names_the_request_and_the_job_that_it_belongs_to(as_json: Written):
    as_json.log("before")
    request = log_context.begin_request()
    as_json.log("in a request")
    log_context.end_request()
    with log_context.of_job("send_order", "job-7", request):
        as_json.log("in a job")
    as_json.log("after")
    found = [{name: json.loads(line).get(name) for name in ("request", "task", "job")} for line in as_json.lines]
    assert found[0]["request"] is None and found[0]["job"] is None
    assert found[1]["request"] == request and found[1]["job"] is None
    assert found[2] == {"request": request, "task": "send_order", "job": "job-7"}
    assert not any(found[3].values())


def test_each_request_has_an_id_of_its_own():
    assert len({log_context.begin_request() for _ in range(100)}) == 100


def test_what_is_no_id_is_not_written(as_json: Written):
    for one in ("", None, 7, "a b", "x" * 81, "line\nbreak", ["x"], "é"):
        with log_context.of_job("send_order", one, one):
            as_json.log("x")
    assert not [line for line in as_json.lines if {"request", "job"} & set(json.loads(line))]


def test_a_mail_of_another_request_belongs_to_that_one_meanwhile():
    request = log_context.begin_request()
    with log_context.of_request("other"):
        assert log_context.current_request() == "other"
    with log_context.of_request(""):
        assert log_context.current_request() == ""
    assert log_context.current_request() == request


def test_for_people_a_line_ends_with_what_it_belongs_to():
    written = Written(text_formatter())
    written.log("nothing")
    with log_context.of_job("send_order", "job-7", "abc"):
        written.log("call bank giro place_order: failed", fields={"counterpart": "bank"})
    plain, told = written.lines
    assert plain.endswith("Z WARNING domain.x nothing")
    assert told.endswith(" WARNING domain.x call bank giro place_order: failed [job=job-7 request=abc task=send_order]")


# --- a program ---
def run(code: str) -> list[str]:
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stderr.splitlines()


def test_the_form_can_be_chosen_after_the_first_line():
    code = (
        "import logging; from core.log_records import log_to_stderr; log = logging.getLogger('app')\n"
        "other = logging.getLogger('gunicorn.error'); other.propagate = False\n"
        "other.addHandler(logging.StreamHandler())\n"
        "log_to_stderr(); log.info('a'); log_to_stderr(True); log.info('b'); other.warning('c')"
    )
    first, second, third = run(code)
    assert first.endswith("INFO app a")
    assert (json.loads(second)["event"], json.loads(third)["event"]) == ("b", "c")


def test_the_error_that_ends_a_program_is_a_line_too():
    code = "from core.log_records import log_to_stderr; log_to_stderr(True); raise ZeroDivisionError('x')"
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    (line,) = done.stderr.splitlines()
    assert json.loads(line)["level"] == "critical" and "ZeroDivisionError" in json.loads(line)["exception"]
    assert done.returncode == 1


def test_whoever_has_set_up_a_log_keeps_it():
    code = (
        "import logging; logging.basicConfig(format='mine %(message)s', level='INFO')\n"
        "from core.log_records import log_to_stderr; log_to_stderr(True); logging.info('a')"
    )
    assert run(code) == ["mine a"]
