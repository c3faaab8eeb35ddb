"""Update the English catalogue from the texts in code and templates: `python -m tools.translations`.

New texts are added without a translation and printed; unused texts are removed. Exits with 1 while a translation is
missing. With --check nothing is written.
"""

import sys
from io import BytesIO
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import DEFAULT_KEYWORDS, extract_from_dir
from babel.messages.frontend import parse_mapping_cfg
from babel.messages.pofile import read_po, write_po

ROOT = Path(__file__).parent.parent
ENGLISH = ROOT / "translations" / "en" / "LC_MESSAGES" / "messages.po"
KEYWORDS = {**DEFAULT_KEYWORDS, "_l": None}  # from blueprints.web.lazy_texts
_HEADER = "# English texts of Bizcuit. Dutch is the source and stands in the code; see docs/languages.md."


def extract() -> Catalog:
    """Return all marked texts, as a catalogue without translations."""
    with (ROOT / "babel.cfg").open() as file:
        methods, options = parse_mapping_cfg(file)
    found = Catalog(project="Bizcuit", locale="en", fuzzy=False)
    for place, line, message, comments, context in extract_from_dir(ROOT, methods, options, KEYWORDS):
        found.add(message, None, [(place, line)], auto_comments=comments, context=context)
    return found


def read() -> Catalog:
    """Return the stored English catalogue."""
    return read_po(BytesIO(ENGLISH.read_bytes()), locale="en")


def told(catalogue: Catalog) -> list[Message]:
    """Return the messages without the header."""
    return [message for message in catalogue if message.id]


def missing(catalogue: Catalog) -> list[str]:
    """Return texts without a complete translation."""
    return [_key(one) for one in told(catalogue) if not all(_texts(one)) or one.fuzzy]


def _key(message: Message) -> str:
    return message.id if isinstance(message.id, str) else message.id[0]


def _texts(message: Message) -> list[str]:
    return [message.string] if isinstance(message.id, str) else list(message.string)  # type: ignore[list-item]


def updated() -> Catalog:
    """Return the catalogue with the current texts, without fuzzy matches and without obsolete texts."""
    kept = read()
    kept.update(extract(), no_fuzzy_matching=True, update_creation_date=False)
    kept.obsolete.clear()
    return kept


def written(catalogue: Catalog) -> bytes:
    """Return the file, sorted by text and without line numbers, so that branches rarely conflict."""
    catalogue.header_comment, catalogue.fuzzy = _HEADER, False
    file = BytesIO()
    write_po(file, catalogue, width=118, sort_output=True, include_lineno=False, ignore_obsolete=True)
    return file.getvalue()


def main(arguments: list[str]) -> int:
    catalogue = updated()
    content = written(catalogue)
    stale = content != ENGLISH.read_bytes()
    if stale and "--check" not in arguments:
        ENGLISH.write_bytes(content)
    for text in missing(catalogue):
        print(f"no translation: {text}")
    if stale and "--check" in arguments:
        print("the catalogue is not what the code says: run python -m tools.translations")
        return 1
    return int(bool(missing(catalogue)))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
