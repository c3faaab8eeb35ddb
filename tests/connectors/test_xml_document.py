"""External XML documents: every encoding gives the same text, and no external resource is ever read."""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from connectors.xml_document import XmlDocument, XmlRefused, child, open_document, text_at, text_of

NAMESPACE = "urn:iso:std:iso:20022:tech:xsd:camt.053.001.08"


def document(name: str = "Zoë", declaration: str = "") -> str:
    return f'{declaration}<Document xmlns="{NAMESPACE}"><Nm>{name}</Nm><Amt Ccy="EUR">1.00</Amt></Document>'


def declared(label: str) -> str:
    return f'<?xml version="1.0" encoding="{label}"?>'


def name_in(found: XmlDocument) -> str | None:
    assert (found.root, found.namespace) == ("Document", NAMESPACE)
    (name,) = [text_of(element) for element in found.elements("Nm")]
    return name


def read(raw: bytes) -> str | None:
    return name_in(open_document(raw))


def refused(raw: bytes, lenient: bool = False) -> str:
    with pytest.raises(XmlRefused) as caught:
        for _ in open_document(raw, lenient=lenient).elements("Nm"):
            pass
    return caught.value.code


# --- lenient about encoding ---
LABELS = ["", *map(declared, ("UTF-8", "utf-16", "UTF-16LE", "iso-8859-1", "windows-1250", "ascii", "nonsense"))]
UNICODE = {
    "utf-8": b"", "utf-8-sig": b"", "utf-16": b"", "utf-16-le": b"", "utf-16-be": b"", "utf-32": b"", "utf-32-le": b"",
    "utf-32-be": b"",
}  # fmt: skip
names = st.text(st.characters(codec="utf-8", exclude_categories=("C", "Z"), exclude_characters="<&"), min_size=1)


@given(names, st.sampled_from(LABELS), st.sampled_from(sorted(UNICODE)), st.sampled_from(["", "\n", "\r\n \t"]))
@example("محمد علي", declared("utf-16"), "utf-8", "\r\n")
def test_unicode_overrides_the_declaration(name: str, label: str, encoding: str, before: str):
    assert read((before + document(name, label)).encode(encoding)) == name


ONE_BYTE = [
    ("iso-8859-1", "cp1252"), ("ISO-8859-1", "latin-1"), ("latin1", "cp1252"), ("us-ascii", "cp1252"),
    ("windows-1252", "cp1252"), ("ANSI", "cp1252"), ("windows-1250", "cp1250"), ("cp1250", "cp1250"),
    ("iso-8859-2", "iso8859-2"), ("iso-8859-15", "iso8859-15"), ("windows-1251", "cp1251"), ("KOI8-R", "koi8-r"),
    ("iso-8859-9", "cp1254"), ("cp850", "cp850"), ("windows-1257", "cp1257"), ("macintosh", "mac-roman"),
]  # fmt: skip


@pytest.mark.parametrize(("label", "encoding"), ONE_BYTE)
@given(data=st.data(), before=st.sampled_from([b"", b"\n", b"\r\n ", b"\xef\xbb\xbf"]))
def test_a_single_byte_encoding_is_read_as_declared(label: str, encoding: str, data: st.DataObject, before: bytes):
    letters = [sign for byte in range(0xA1, 0x100) if (sign := bytes([byte]).decode(encoding, "ignore")).isalpha()]
    name = data.draw(st.text(st.sampled_from(letters), min_size=1))
    raw = before + document(f"{name} {letters[0]}x", declared(label)).encode(encoding)
    try:
        raw.decode()
    except UnicodeDecodeError:
        assert read(raw) == f"{name} {letters[0]}x"


@pytest.mark.parametrize(("label", "encoding", "name"), [
    ("iso-8859-1", "cp1252", "Željko O’Brien-Škoda €"),
    ("iso-8859-15", "cp1252", "Željko O’Brien"),
    ("iso-8859-2", "cp1250", "Šťastný „Žižka”"),
    ("windows-1250", "cp1250", "Łukasz Żółć"),
])  # fmt: skip
def test_an_iso_label_may_mean_a_windows_code_page(label: str, encoding: str, name: str):
    assert read(document(name, declared(label)).encode(encoding)) == name


def test_an_undefined_byte_loses_only_itself():
    assert read(document("Jans@en", declared("iso-8859-1")).encode().replace(b"@", b"\x81")) == "Jans\ufffden"


@pytest.mark.parametrize("behind", [b"\n", b"\r\n", b"\x00" * 512, b"\x1a", b"\n\x1a\x00"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
def test_padding_after_the_document_is_ignored(behind: bytes, encoding: str):
    assert read(document(declaration=declared("iso-8859-1")).encode(encoding) + behind) == "Zoë"


@pytest.mark.parametrize("before", [
    b"\xef\xbb\xbf\r\n", b"\r\n\xef\xbb\xbf", b"\xef\xbb\xbf\xef\xbb\xbf", b"\xff\xfe", b"\xfe\xff", b"\n\xff\xfe",
])  # fmt: skip
def test_a_wrong_byte_order_mark_is_ignored(before: bytes):
    assert read(before + document(declaration=declared("utf-8")).encode()) == "Zoë"


def test_a_truncated_character_is_replaced_if_lenient():
    """Only if the caller allows it: a damaged id or amount matches none of ours."""
    raw = document("Zo@").encode().replace(b"@", b"\xc3")
    assert name_in(open_document(raw, lenient=True)) == "Zo\ufffd"
    assert refused(raw) == "encoding"


# --- strict about content ---
@pytest.mark.parametrize(("raw", "code"), [
    (b"", "empty"), (b" \r\n", "empty"), (b"\xef\xbb\xbf", "empty"), (b"text", "not_xml"), (b"<a", "not_xml"),
    (document().encode()[:-5], "not_xml"), (document().encode() + b"<a/>", "not_xml"),
    (document("&a;").encode(), "not_xml"), (document("\x01").encode(), "not_xml"),
    (document(declaration=declared("nonsense")).encode("latin-1"), "encoding"),
    (document(declaration=declared("rot13")).encode("latin-1"), "encoding"),
    (document(declaration=declared("utf-8")).encode("latin-1"), "encoding"),
])  # fmt: skip
def test_other_bytes_are_refused(raw: bytes, code: str):
    assert refused(raw) == code


@pytest.mark.parametrize("encoding", ["utf-8", "utf-16", "cp1252"])
@pytest.mark.parametrize("inner", ["", '[<!ENTITY a "x">]', 'SYSTEM "file:///etc/hostname"'])
def test_a_document_type_is_refused(inner: str, encoding: str):
    doctype = f"<!-- {'x' * 9000} --><!DOCTYPE Document {inner}>"
    assert refused(document(declaration=declared("windows-1252") + doctype).encode(encoding)) == "document_type"


def test_size_is_limited():
    with pytest.raises(XmlRefused) as caught:
        open_document(document().encode(), most_bytes=50)
    assert caught.value.code == "too_large"


@given(st.binary(max_size=200), st.booleans())
def test_random_bytes_raise_only_xml_refused(raw: bytes, lenient: bool):
    assert refused(raw, lenient) in ("empty", "not_xml", "encoding", "document_type")


def test_comments_are_ignored_and_child_elements_refused():
    assert read(document("Zo<!-- c --><?p i?>ë").encode()) == "Zoë"
    (element,) = open_document(document("26<x/>11").encode()).elements("Nm")
    with pytest.raises(XmlRefused, match="more than text"):
        text_of(element)


def test_a_repeated_field_is_refused():
    raw = document().replace("<Nm>", "<Nm>a</Nm><Nm>").encode()
    (root,) = open_document(raw).elements("Document")
    assert text_at(root, "Amt") == "1.00"
    assert text_at(root, "Other") is None
    with pytest.raises(XmlRefused, match="more than once"):
        child(root, "Nm")
