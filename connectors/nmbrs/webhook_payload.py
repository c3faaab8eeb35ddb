"""Parse the body of a webhook call. Its format is unknown (docs/facts/nmbrs.md, 7.1): any form is read, none is
trusted.

Only ids are taken, from fields with a matching name, to poll a company sooner.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from lxml import etree

from core.hidden_characters import load_json

_ID = re.compile(r"[0-9]{1,10}|[0-9a-fA-F]{8}(?:-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}")
_NAMES = {
    "companyid": "company_id", "runid": "run_id", "payrollrunid": "run_id", "debtorid": "debtor_id", "year": "year",
}  # fmt: skip
_DECLARATION = re.compile(r"\A<\?xml[^>]{0,200}\?>")
# More depth or fields than any payroll needs; the rest is ignored.
_DEEPEST, _MOST = 12, 2_000


@dataclass(frozen=True)
class WebhookPayload:
    """Where something may have happened; None for what the body does not say."""

    company_id: str | None = None
    run_id: str | None = None
    debtor_id: str | None = None
    year: int | None = None


def parse_webhook(content_type: str, body: bytes) -> WebhookPayload:
    """Return the ids in this body: JSON, form, XML, query or anything else. Never raises. The first field of each name
    counts.
    """
    found: dict[str, str] = {}
    for number, (name, value) in enumerate(_pairs(content_type.casefold(), body)):
        field = _NAMES.get(re.sub(r"[^a-z]", "", name.casefold()))
        text = value.strip()
        if field and field not in found and _ID.fullmatch(text):
            found[field] = text.lower()
        if number >= _MOST:
            break
    year = found.pop("year", "")
    return WebhookPayload(**found, year=int(year) if len(year) == 4 and year.isdigit() else None)


def _pairs(kind: str, body: bytes) -> Iterator[tuple[str, str]]:
    """Yield names and values in the format that the body looks like; the content type may be wrong."""
    text = _text_of(body)
    if text[:1] in ("{", "["):
        yield from _json(text)
    elif text[:1] == "<":
        yield from _xml(text)
    elif "=" in text and "multipart" not in kind:
        yield from parse_qsl(text, max_num_fields=None)


def _text_of(body: bytes) -> str:
    """Decode the body, without the byte order mark that .NET adds; invalid bytes become U+FFFD."""
    encoding = "utf-16" if body[:2] in (b"\xff\xfe", b"\xfe\xff") else "utf-8-sig"
    return body.decode(encoding, "replace").strip()


def _json(text: str) -> Iterator[tuple[str, str]]:
    try:
        document = load_json(text)
    except (ValueError, RecursionError):
        return
    yield from _walk(document, 0, "")


def _walk(node: Any, depth: int, owner: str) -> Iterator[tuple[str, str]]:
    """Yield names and values. `owner` is the name of the enclosing field: {"Company": {"Id": 1}} gives CompanyId."""
    if depth > _DEEPEST:
        return
    if isinstance(node, dict):
        for name, value in node.items():
            if isinstance(value, dict | list):
                yield from _walk(value, depth + 1, name)
            else:
                yield _named(name, owner), str(value)
    elif isinstance(node, list):
        for value in node:
            yield from _walk(value, depth + 1, owner)


def _named(name: str, owner: str) -> str:
    return owner + name if name.casefold() == "id" else name


def _local(element: Any) -> str:
    """Return the name without its namespace; QName refuses names such as "<:" that the parser lets pass."""
    return str(element.tag).rpartition("}")[2]


def _xml(text: str) -> Iterator[tuple[str, str]]:
    """Parse XML without DTD, entities and network."""
    parser = etree.XMLParser(
        resolve_entities=False, no_network=True, load_dtd=False, huge_tree=False, remove_comments=True,
        remove_pis=True, encoding="utf-8",
    )  # fmt: skip
    try:
        # without its declaration, which names the encoding of the original bytes
        root = etree.fromstring(_DECLARATION.sub("", text).strip().encode("utf-8", "replace"), parser)
    except (etree.XMLSyntaxError, ValueError):
        return
    if root.getroottree().docinfo.doctype:
        return
    for element in root.iter("*"):
        name, over = _local(element), element.getparent()
        yield _named(name, "" if over is None else _local(over)), element.text or ""
        yield from ((_named(str(key), name), str(value)) for key, value in element.attrib.items())
