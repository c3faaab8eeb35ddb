"""Open every external XML document: payment files, status reports and account statements.

Lenient about encoding: byte order marks, leading white space, a wrong encoding in the declaration.
Strict about content: no document type, entities or external resources; limited size; one value per field.
"""

import codecs
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from io import BytesIO
from typing import Any, Literal

from lxml import etree

MOST_BYTES = 50 * 1024 * 1024
_CHUNK = 64 * 1024
_UTF8_MARK = b"\xef\xbb\xbf"
_LEADING = re.compile(rb"(?:\xef\xbb\xbf|[ \t\r\n])*")
_TRAILING = b"\x00\x1a \t\r\n"  # Padding of mainframes, and the end-of-file mark of DOS.
_DECLARATION = re.compile(rb"""<\?xml\s[^>]*?(?:encoding\s*=\s*["']([A-Za-z0-9._:-]{1,40})["'][^>]*?)?\?>""")
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"), (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF16_LE, "utf-16-le"), (codecs.BOM_UTF16_BE, "utf-16-be"),
)  # fmt: skip
# The first bytes of a document without a byte order mark: "<" or white space, in units of four or two bytes.
_UNMARKED = (
    (re.compile(rb"[< \t\r\n]\x00\x00\x00"), "utf-32-le"), (re.compile(rb"\x00\x00\x00[< \t\r\n]"), "utf-32-be"),
    (re.compile(rb"[< \t\r\n]\x00"), "utf-16-le"), (re.compile(rb"\x00[< \t\r\n]"), "utf-16-be"),
)  # fmt: skip
# Encodings of one byte per character that a declaration may name, by the names of Python's codecs.
_ONE_BYTE = frozenset(
    {f"cp{page}" for page in (437, 850, 852, 858, 866, 874, *range(1250, 1259))}
    | {f"iso8859-{part}" for part in (*range(2, 11), 13, 14, 15, 16)} | {"koi8-r", "koi8-u", "mac-roman"}
)  # fmt: skip
# Labels that mean a Windows code page (WHATWG Encoding Standard, labels of windows-1252, -1254 and -874).
_WINDOWS = {"iso8859-1": "cp1252", "ascii": "cp1252", "iso8859-9": "cp1254", "iso8859-11": "cp874"}
# The Windows code page of the same alphabet: bytes 0x80 to 0x9F are control characters in ISO, letters in Windows.
_WINDOWS_SIBLING = {
    "iso8859-2": "cp1250", "iso8859-7": "cp1253", "iso8859-13": "cp1257", "iso8859-15": "cp1252",
}  # fmt: skip
_CONTROLS = re.compile(rb"[\x80-\x9f]")
_SAFE: Any = {
    "resolve_entities": False, "no_network": True, "load_dtd": False, "huge_tree": False, "remove_comments": True,
    "remove_pis": True, "encoding": "utf-8",
}  # fmt: skip


class XmlRefused(ValueError):
    """The document is refused.

    `code`: empty, too_large, encoding, not_xml, document_type, not_one, not_text. The message names elements, never
    their text.
    """

    def __init__(self, code: str, detail: str) -> None:
        super().__init__(detail)
        self.code = code


@dataclass(frozen=True)
class XmlDocument:
    """A document in UTF-8 with a valid root element. `root` is its local name."""

    root: str
    namespace: str
    text: bytes = field(repr=False)
    start: int  # offset in bytes of the XML after its declaration

    def elements(self, *names: str) -> Iterator[Any]:
        """Yield each element with one of these local names when it ends.

        The caller clears each element after use, which keeps memory use flat.

        Raises:
        - XmlRefused: the document is not well-formed; elements may have been yielded before.
        """
        try:
            for _, element in _events(self.text, self.start, "end", [f"{{*}}{name}" for name in names]):
                yield element
        except etree.XMLSyntaxError as error:
            raise XmlRefused("not_xml", "not well-formed XML") from error


def open_document(raw: bytes, most_bytes: int = MOST_BYTES, lenient: bool = False) -> XmlDocument:
    """Open a document in any supported encoding. Bytes that are valid UTF-8 are UTF-8, whatever the declaration says.

    `lenient`: bytes that are valid in no encoding become U+FFFD. It is for documents of banks: their ids, codes and
    amounts are ASCII, and a damaged one matches none of ours.

    Raises:
    - XmlRefused: empty, too large, in an unknown encoding, not XML, or with a document type.
    """
    if len(raw) > most_bytes:
        raise XmlRefused("too_large", f"more than {most_bytes} bytes")
    text = _as_utf8(raw, lenient)
    start = _after(_LEADING, text, 0)
    start = _after(_DECLARATION, text, start)
    try:
        for _, root in _events(text, start, "start", None):
            if root.getroottree().docinfo.doctype:
                raise XmlRefused("document_type", "a document type is not accepted")
            namespace, _, name = str(root.tag).removeprefix("{").rpartition("}")
            return XmlDocument(name, namespace, text, start)
    except etree.XMLSyntaxError as error:
        raise XmlRefused("not_xml", "not well-formed XML") from error
    raise XmlRefused("not_xml", "no root element")


def _events(text: bytes, start: int, kind: Literal["start", "end"], tags: list[str] | None) -> Any:
    stream = BytesIO(text)  # shares the bytes, no copy
    stream.seek(start)
    return etree.iterparse(stream, events=(kind,), tag=tags, **_SAFE)


# --- encodings ----------------------------------------------------------------------------------------
def _as_utf8(raw: bytes, lenient: bool) -> bytes:
    """Return the document in UTF-8; unchanged when it is UTF-8 already."""
    start = _after(_LEADING, raw, 0)
    if start == len(raw):
        raise XmlRefused("empty", "nothing in it")
    wide = _wide_encoding(raw, start)
    if wide is not None and (text := _transcoded(raw, *wide)) is not None and _begins_with_markup(text):
        return _trimmed(text)
    for mark, _encoding in _MARKS:  # a mark that the following bytes contradict
        start += len(mark) if raw.startswith(mark, start) else 0
    if _is_utf8(raw, start):
        return _trimmed(raw[start:] if start else raw)
    encoding = _declared(raw, start)
    errors = "strict"
    if encoding is None and lenient:
        encoding, errors = "utf-8", "replace"
    elif encoding is not None:
        errors = "replace"  # a code page leaves some bytes undefined
    text = _transcoded(raw, start, encoding, errors) if encoding is not None else None
    if text is None or not _begins_with_markup(text):
        raise XmlRefused("encoding", "in no encoding that we know")
    return _trimmed(text)


def _wide_encoding(raw: bytes, start: int) -> tuple[int, str] | None:
    """Return the start of the text and its encoding, for UTF-16 and UTF-32 with or without a mark."""
    for mark, encoding in _MARKS:
        if raw.startswith(mark, start):
            return start + len(mark), encoding
    first = len(_UTF8_MARK) if raw.startswith(_UTF8_MARK) else 0
    return next(((first, encoding) for begin, encoding in _UNMARKED if begin.match(raw, first)), None)


def _declared(raw: bytes, start: int) -> str | None:
    """Return the single-byte encoding that the declaration means; None for any other."""
    said = _DECLARATION.match(raw, _after(_LEADING, raw, start))
    label = said.group(1).decode().lower() if said and said.group(1) else ""
    try:
        name = codecs.lookup("cp1252" if label == "ansi" else label).name
    except LookupError:
        return None
    if name in _WINDOWS_SIBLING and _CONTROLS.search(raw):
        return _WINDOWS_SIBLING[name]
    name = _WINDOWS.get(name, name)
    return name if name in _ONE_BYTE else None


def _transcoded(raw: bytes, start: int, encoding: str, errors: str = "strict") -> bytes | None:
    """Return the bytes from `start` in UTF-8, converted in small pieces; None when they are not in this encoding."""
    last = ">".encode(encoding)
    end = raw.rfind(last) + len(last)
    if end < start or raw[end:].strip(_TRAILING):  # padding may be single bytes after wider characters
        end = len(raw)
    decoder, made = codecs.getincrementaldecoder(encoding)(errors), BytesIO()
    view = memoryview(raw)
    try:
        for at in range(start, end, _CHUNK):
            made.write(decoder.decode(view[at : min(at + _CHUNK, end)]).encode())
        made.write(decoder.decode(b"", final=True).encode())
    except UnicodeError:
        return None
    return made.getvalue()


def _is_utf8(raw: bytes, start: int) -> bool:
    """Return whether the bytes are UTF-8, without copying them."""
    decoder, view = codecs.getincrementaldecoder("utf-8")(), memoryview(raw)
    try:
        for at in range(start, len(raw), _CHUNK):
            decoder.decode(view[at : at + _CHUNK])
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        return False
    return True


def _begins_with_markup(text: bytes) -> bool:
    return text.startswith(b"<", _after(_LEADING, text, 0))


def _trimmed(text: bytes) -> bytes:
    return text.rstrip(_TRAILING) if text.endswith((b"\x00", b"\x1a")) else text


def _after(pattern: re.Pattern[bytes], text: bytes, start: int) -> int:
    found = pattern.match(text, start)
    return found.end() if found else start


# --- elements by local name ---------------------------------------------------------------------------
def local_name(element: Any) -> str:
    """Return the name without its namespace; "" for comments and the like."""
    return element.tag.rpartition("}")[2] if isinstance(element.tag, str) else ""


def children(element: Any, name: str) -> list[Any]:
    """Return the children with this local name, in any namespace."""
    return list(element.iterchildren(f"{{*}}{name}"))


def child(element: Any, *path: str) -> Any:
    """Return the element at the end of a path of local names; None when there is none.

    Raises:
    - XmlRefused: an element of the path occurs more than once.
    """
    for name in path:
        found = element.iterchildren(f"{{*}}{name}")
        element = next(found, None)
        if element is None:
            return None
        if next(found, None) is not None:
            raise XmlRefused("not_one", f"{name} stands there more than once")
    return element


def text_of(element: Any) -> str | None:
    """Return the text of an element without surrounding white space; None when there is none.

    Raises:
    - XmlRefused: the element has child elements, so its own text is only part of the value.
    """
    if element is None:
        return None
    if len(element):
        raise XmlRefused("not_text", f"{local_name(element)} holds more than text")
    return (element.text or "").strip() or None


def text_at(element: Any, *path: str) -> str | None:
    """Return the text at the end of a path of local names; None when there is none.

    Raises:
    - XmlRefused: as `child` and `text_of`.
    """
    return text_of(child(element, *path))


def texts(elements: Iterable[Any]) -> tuple[str, ...]:
    """Return the texts that are not empty.

    Raises:
    - XmlRefused: as `text_of`.
    """
    return tuple(text for element in elements if (text := text_of(element)))
