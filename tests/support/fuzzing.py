"""Mutations of real bytes, guided by what they lead to: an input with an outcome that was not seen before is kept, and
mutated further. The same seed makes the same inputs.
"""

import json
import random
import re
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from time import thread_time
from typing import Any

from tests.support.hostile_requests import TEXTS

MOST_BYTES = 40_000  # of an input
MOST_KEPT = 400  # inputs of one surface that are mutated further
SLOWEST = 2.0  # seconds of one input
MOST_GROWTH = 200  # MB of memory
PARTS = (
    b'<', b'>', b'</', b'/>', b'<!--', b']]>', b'<![CDATA[', b'&amp;', b'&#0;', b'&#x110000;', b'&x;',
    b'<!DOCTYPE a [<!ENTITY x "y">]>', b"<?xml version='1.0' encoding='utf-16'?>", b"<?xml version='1.1'?>",
    b'\xff\xfe', b'\xfe\xff', b'\xef\xbb\xbf', b'\x00', b'\x80', b'\xc3(', b'\xed\xa0\x80', b'{', b'}', b'[', b']',
    b'"', b'\\u0000', b'\\ud800', b':', b',', b'null', b'true', b'NaN', b'-Infinity', b'1e999', b'-0',
    b'0.0000000001', b'99999999999999999999999999', b'0x1F', b'2026-02-30', b'9999-12-31T23:59:60Z', b'0000-01-01',
    b'+99:99', b'NL00BANK0000000000', b'EUR', b'USD', b"xsi:nil='true'", b"xmlns='urn:x'", b'%00', b'\r\n\r\n',
    b'\xe2\x80\xae', b'=', b'&', b'?', b'#', b'//', b'javascript:',
)  # fmt: skip
VALUES: tuple[Any, ...] = (
    None,
    True,
    False,
    0,
    -1,
    1.5,
    10**30,
    -(10**18),
    float("nan"),
    float("inf"),
    "",
    [],
    {},
    [[]],
    [None],
    {"": None},
    [1, "a"],
    "\0",
    *(text for text in TEXTS if len(text) < 2_000),
    {"code": 1},
    [{}] * 3,
    "2026-11-25",
    "NL95INGB0004921836",
)
_TEXT = re.compile(rb">[^<>]{1,200}<")
_TAG = re.compile(rb"<(\w+)[^<>]*>.{0,3000}?</\1>", re.DOTALL)


class Mutator:
    """Makes inputs of samples. `last`: the input that was made last."""

    def __init__(self, seed: int, samples: Sequence[bytes]) -> None:
        self.random = random.Random(seed)
        self.kept = list(samples)
        self.last = b""
        self._seen: set[str] = set()

    def next(self) -> bytes:
        data = self.random.choice(self.kept)
        for _ in range(self.random.choice((1, 1, 1, 2, 3, 6))):
            data = self.random.choice(self._ways(data))(data)[:MOST_BYTES]
        self.last = data
        return data

    def learn(self, outcome: str) -> None:
        """Keep the last input if its outcome is new."""
        if outcome not in self._seen and len(self.kept) < MOST_KEPT:
            self._seen.add(outcome)
            self.kept.append(self.last)

    def _ways(self, data: bytes) -> list[Callable[[bytes], bytes]]:
        ways = [self._flip, self._cut, self._double, self._insert, self._splice, self._insert, self._truncate]
        if data.lstrip()[:1] in (b"{", b"["):
            ways += [self._json] * 8
        elif b"<" in data[:200]:
            ways += [self._text, self._text, self._element, self._element, self._element]
        return ways

    def _at(self, data: bytes) -> int:
        return self.random.randrange(len(data) + 1)

    def _flip(self, data: bytes) -> bytes:
        if not data:
            return b"\0"
        at = self.random.randrange(len(data))
        return data[:at] + bytes([self.random.randrange(256)]) + data[at + 1 :]

    def _cut(self, data: bytes) -> bytes:
        start = self._at(data)
        return data[:start] + data[start + self.random.randrange(1, 60) :]

    def _truncate(self, data: bytes) -> bytes:
        return data[: self._at(data)]

    def _double(self, data: bytes) -> bytes:
        start = self._at(data)
        part = data[start : start + self.random.randrange(1, 200)]
        return data[:start] + part * self.random.choice((2, 2, 3, 50)) + data[start:]

    def _insert(self, data: bytes) -> bytes:
        at, part = self._at(data), self.random.choice(PARTS)
        return data[:at] + part * self.random.choice((1, 1, 1, 1, 2, 300)) + data[at:]

    def _splice(self, data: bytes) -> bytes:
        other = self.random.choice(self.kept)
        return data[: self._at(data)] + other[self._at(other) :]

    def _value(self) -> bytes:
        return str(self.random.choice(VALUES)).encode("utf-8", "surrogatepass")[:500]

    def _text(self, data: bytes) -> bytes:
        """Put a hostile text, or that of another element, between two tags."""
        found = list(_TEXT.finditer(data))
        if not found:
            return self._insert(data)
        one, other = self.random.choice(found), self.random.choice(found)
        text = other[0][1:-1] if self.random.random() < 0.4 else self._value()
        return data[: one.start() + 1] + text + data[one.end() - 1 :]

    def _element(self, data: bytes) -> bytes:
        """Leave out, repeat or move an element."""
        found = list(_TAG.finditer(data))
        if not found:
            return self._cut(data)
        one, way = self.random.choice(found), self.random.randrange(4)
        if way == 0:
            return data[: one.start()] + data[one.end() :]
        if way == 1:
            return data[: one.end()] + one[0] * self.random.choice((1, 2, 40)) + data[one.end() :]
        if way == 2:
            other = self.random.choice(found)
            return data[: other.start()] + one[0] + data[other.start() :]
        inner = one[0].index(b">") + 1
        return data[: one.start() + inner] + one[0] + data[one.start() + inner :]

    def _json(self, data: bytes) -> bytes:
        """Put a hostile value, or none, in place of any value of the document."""
        try:
            document = json.loads(data)
        except (ValueError, RecursionError):
            return self._insert(data)
        places = list(_places(document))
        if not places:
            return json.dumps(self.random.choice(VALUES), default=str).encode()
        holder, key = self.random.choice(places)
        way = self.random.random()
        if way < 0.15 and isinstance(holder, dict):
            del holder[key]
        elif way < 0.25 and isinstance(holder, list):
            holder[:] = holder * self.random.choice((0, 2, 30))
        elif way < 0.35:
            other = self.random.choice(places)
            holder[key] = json.loads(json.dumps(other[0][other[1]]))
        else:
            holder[key] = self.random.choice(VALUES)
        return json.dumps(document).encode("utf-8", "surrogatepass")


def _places(node: Any) -> Any:
    """Yield every place of a document: the list or object, and the index or name."""
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, value in items:
        yield node, key
        yield from _places(value)


def outcome_of(error: BaseException | None) -> str:
    """Return what an input led to, in short: the error, and the line of ours that raised it."""
    if error is None:
        return "taken"
    trace, place = error.__traceback__, ""
    while trace is not None:
        if "/connectors/" in trace.tb_frame.f_code.co_filename:
            place = f"{Path(trace.tb_frame.f_code.co_filename).name}:{trace.tb_lineno}"
        trace = trace.tb_next
    return f"{type(error).__name__} {place} {str(error)[:40]}"


def broken(data: bytes, pick: random.Random) -> bytes:
    """Return the bytes with one of them changed, some left out, or something put in."""
    at = pick.randrange(len(data) + 1)
    return pick.choice((
        data[:at] + bytes([pick.randrange(256)]) + data[at + 1 :], data[:at] + data[at + pick.randrange(1, 60) :],
        data[:at] + pick.choice(PARTS) + data[at:],
    ))  # fmt: skip


def memory() -> float:
    """Return the memory of this process, in MB."""
    if not sys.platform.startswith("linux"):
        return 0.0
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096 / 2**20


def dumped(*documents: Any) -> tuple[bytes, ...]:
    """Return samples of JSON."""
    return tuple(json.dumps(one).encode() for one in documents)


def feed(
    mutator: Mutator, count: int, attempt: Callable[[], object], allowed: tuple[type[BaseException], ...],
    clock: Callable[[], float] = thread_time,
) -> tuple[dict[str, str], float]:
    """Make this many attempts, each of which takes inputs of the mutator.

    `clock`: what measures an attempt, by default its own work, which other programs of the machine do not lengthen.
    Returns what went wrong, by kind, with its input, and the seconds of the slowest attempt.
    """
    wrong, slowest = dict[str, str](), 0.0
    for _ in range(count):
        began, outcome = clock(), outcome_of(None)
        try:
            attempt()
        except allowed as error:
            outcome = outcome_of(error)
        except Exception as error:  # noqa: BLE001 (whatever it is, it is told with its input)
            outcome = f"raised {outcome_of(error)}"
            wrong.setdefault(outcome, repr(mutator.last[:3_000]))
        took = clock() - began
        if took > SLOWEST:
            wrong.setdefault(f"took {took:.1f} s", repr(mutator.last[:3_000]))
        slowest = max(slowest, took)
        mutator.learn(outcome)
    return wrong, slowest
