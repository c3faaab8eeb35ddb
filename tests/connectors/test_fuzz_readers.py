"""Whatever bytes come from outside, each reader ends with a result or an error of its own.

Readers are found by their names: a new one fails here until it is fed too. In `make test` a few thousand inputs; in
`make test-long`, with the answers of `tests/connectors/test_fuzz_answers.py` and the requests of
`tests/web/test_hostile_requests.py`, a million.
"""

import ast
import json
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from connectors.bank.camt import NotAnAccountReport, read_account_report
from connectors.bank.directory import DirectoryError, read_configs
from connectors.bank.pain002 import NotAReport, read_status_report
from connectors.nmbrs.payment_file import FileRefused, read_payment_file
from connectors.nmbrs.webhook_payload import parse_webhook
from connectors.register.extract import parse_search_results, read_company, read_extract
from connectors.web_push import Subscription, UnfitSubscription
from connectors.xml_document import XmlRefused, open_document
from tests.conftest import LONG
from tests.connectors.test_pain002 import block, line, report
from tests.support import figures, reference
from tests.support.camt_builder import BATCH, RETURN, entry, statement
from tests.support.extracts import director, document
from tests.support.fuzzing import MOST_GROWTH, Mutator, dumped, feed, memory
from tests.support.pain001_builder import Line, file_of
from tests.support.push import encoded

ROOT = Path(__file__).parents[2]
INPUTS = 80_000 if LONG else 250  # of each reader
Allowed = tuple[type[BaseException], ...]


@dataclass(frozen=True)
class Reader:
    """How a reader is fed, with what, and how it may refuse."""

    take: Callable[[bytes], object]
    samples: tuple[bytes, ...]
    refuses: Allowed = ()


def as_object(read: Callable[..., object], *more: Any) -> Callable[[bytes], object]:
    """Feed what a reader of parsed JSON gets: only objects come so far."""

    def take(data: bytes) -> object:
        try:
            found = json.loads(data)
        except (ValueError, RecursionError):
            return None
        return read(found, *more) if isinstance(found, dict) else None

    return take


def text_of(data: bytes) -> str:
    return data.decode("utf-8", "surrogateescape")


STATUS = (
    report("<GrpSts>ACSC</GrpSts>"),
    report("<GrpSts>PART</GrpSts>", block("PART", line("E1", "ACSC") + line("E2", "RJCT", "AC04", "x"))),
)
STATEMENTS = (statement(entry(inside=BATCH), entry(inside=RETURN)), statement(entry(), version="camt.054.001.02"))
PAYMENTS = (file_of(Line(), Line(cents=1, name="Bakker, Jan")).raw(), file_of(Line()).raw())
PROFILE = {"kvkNummer": "68750110", "naam": "Demo BV", "_embedded": {"eigenaar": {"rechtsvorm": "BV"}}}
SEARCH = {
    "pagina": 1,
    "totaal": 1,
    "resultaten": [{"kvkNummer": "68750110", "naam": "Demo BV", "type": "hoofdvestiging"}],
}
BANKS = [
    {
        "id": "zand",
        "name": "Zandbank",
        "base_url": "https://b.example",
        "redirect_hosts": ["b.example"],
        "cut_off": "15:30",
    }
]
RECEIVER = ec.derive_private_key(7, ec.SECP256R1()).public_key()
POINT = encoded(RECEIVER.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint))
SUBSCRIPTION = {
    "endpoint": "https://fcm.googleapis.com/x",
    "expirationTime": None,
    "keys": {"p256dh": POINT, "auth": "A" * 22},
}
READERS: dict[str, Reader] = {
    "connectors.bank.camt.reader.read_account_report": Reader(read_account_report, STATEMENTS, (NotAnAccountReport,)),
    "connectors.bank.pain002.read_status_report": Reader(read_status_report, STATUS, (NotAReport,)),
    "connectors.nmbrs.payment_file.reader.read_payment_file": Reader(
        lambda raw: read_payment_file(raw, "x"), PAYMENTS, (FileRefused,)
    ),
    "connectors.xml_document.open_document": Reader(
        lambda raw: list(open_document(raw).elements()), (*PAYMENTS, *STATEMENTS), (XmlRefused,)
    ),
    "connectors.nmbrs.webhook_payload.parse_webhook": Reader(
        lambda raw: parse_webhook("application/json", raw),
        (
            b'{"CompanyId": 9969, "Data": [{"RunId": "7"}]}',
            b"CompanyId=9969&Year=2026",
            b"<a><CompanyId>9969</CompanyId></a>",
        ),
    ),
    "connectors.bank.directory.read_configs": Reader(
        lambda raw: read_configs(text_of(raw)), dumped(BANKS), (DirectoryError,)
    ),
    "connectors.register.extract.read_extract": Reader(
        as_object(read_extract, "68750110"), dumped(document(), document({"heeft": [director()]})), (ValueError,)
    ),
    "connectors.register.extract.read_company": Reader(
        as_object(read_company, None, "68750110"), dumped(PROFILE), (ValueError,)
    ),
    "connectors.register.extract.parse_search_results": Reader(
        as_object(parse_search_results), dumped(SEARCH), (ValueError,)
    ),
    "connectors.web_push.Subscription.read": Reader(
        lambda raw: Subscription.read(text_of(raw)), dumped(SUBSCRIPTION), (UnfitSubscription,)
    ),
}
# Readers of what did not come from outside, or only inside an answer (tests/connectors/test_fuzz_answers.py).
NOT_FED = {
    "connectors.bank.json_order.read_json": "an order that we wrote and sealed",
    "connectors.bank.order_formats.read_order": "an order that we wrote and sealed",
    "connectors.bank.order_formats.read_stored_order": "an order that we wrote and sealed",
    "connectors.bank.pain001.parse_own_pain001": "an order that we wrote and sealed",
    "connectors.bank.ponto_order.read_ponto": "an order that we wrote and sealed",
    "connectors.marks.read_marks": "our own file",
    "core.backup_file.read_header": "our own file, sealed",
    "core.backup_file.read_content": "our own file, sealed",
    "connectors.bank.response_parsing.parse_json_object": "inside an answer",
    "connectors.nmbrs.soap_transport.read_number": "inside an answer",
    "connectors.oauth.parse_tokens": "inside an answer",
}


def readers() -> set[str]:
    """Return every public function and class method of connectors and core that reads bytes, text or a JSON object."""
    found = set()
    for path in [*(ROOT / "connectors").rglob("*.py"), *(ROOT / "core").rglob("*.py")]:
        module = ".".join(path.relative_to(ROOT).with_suffix("").parts).removesuffix(".__init__")
        tree = ast.parse(path.read_text("utf-8"))
        found |= {f"{module}.{one.name}" for one in functions(tree.body) if reads(one)}
        for kind in (one for one in tree.body if isinstance(one, ast.ClassDef)):
            methods = [one for one in functions(kind.body) if one.name == "read" and one.decorator_list]
            found |= {f"{module}.{kind.name}.{one.name}" for one in methods}
    return found


def functions(body: list[ast.stmt]) -> list[ast.FunctionDef]:
    return [one for one in body if isinstance(one, ast.FunctionDef)]


def reads(one: ast.FunctionDef) -> bool:
    """Return whether it is a reader of what came from outside, not of a part that another reader has taken apart."""
    first = ast.unparse(one.args.args[0].annotation or ast.Constant(None)) if one.args.args else ""
    raw = first in ("bytes", "str", "BinaryIO", "Answer") or first.startswith(("dict", "Mapping"))
    named = any(other.annotation and ast.unparse(other.annotation) == "bytes" for other in one.args.args)
    return one.name.startswith(("read_", "parse_", "open_")) and (raw or named)


def test_no_reader_is_forgotten():
    assert readers() == READERS.keys() | NOT_FED.keys()
    assert not READERS.keys() & NOT_FED.keys()


def samples_of(name: str) -> list[bytes]:
    """Return the samples of a reader, with published ones where they are present."""
    found = list(READERS[name].samples)
    kinds = {"read_account_report": "c_*.xml", "read_status_report": "p2_*.xml", "read_payment_file": "p1_*.xml"}
    pattern = kinds.get(name.rpartition(".")[2])
    folder = reference.FOLDER.parent / "cases"
    if pattern and folder.is_dir():
        found += [path.read_bytes() for path in sorted(folder.glob(pattern))]
    return found


@pytest.mark.parametrize("name", READERS)
def test_every_reader(name: str):
    reader = READERS[name]
    mutator = Mutator(2026, samples_of(name))
    assert any(is_taken(reader, sample) for sample in reader.samples)
    before = memory()
    wrong, slowest = feed(mutator, INPUTS, lambda: reader.take(mutator.next()), reader.refuses)
    figures.add(inputs=INPUTS)
    print(f"{name}: {INPUTS} inputs, {len(mutator.kept)} kept, slowest {slowest:.3f} s, {memory() - before:.0f} MB")
    assert wrong == {}
    assert memory() - before < MOST_GROWTH


def is_taken(reader: Reader, sample: bytes) -> bool:
    try:
        reader.take(sample)
    except reader.refuses:
        return False
    return True
