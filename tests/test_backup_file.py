"""The file of a backup is read whole, or refused."""

import io
import tracemalloc
from collections.abc import Iterator

import pytest

from core.backup_file import CHUNK, MAGIC, TAG, BackupRefused, read_content, read_header, write_backup

KEY, OTHER = b"k" * 40, b"o" * 40
SIZES = [0, 1, CHUNK - 1, CHUNK, CHUNK + 1, 2 * CHUNK, 3 * CHUNK + 5]


def written(content: bytes, parts: int = 7) -> bytes:
    step = max(1, len(content) // parts)
    target = io.BytesIO()
    write_backup(target, KEY, {"of": "a test"}, (content[at : at + step] for at in range(0, len(content), step)))
    return target.getvalue()


def read(data: bytes, key: bytes = KEY) -> bytes:
    source = io.BytesIO(data)
    header, told = read_header(source)
    return b"".join(read_content(source, key, header, told))


def content_of(size: int) -> bytes:
    return bytes(at * 7 % 251 for at in range(1000)) * (size // 1000 + 1)


@pytest.mark.parametrize("size", SIZES)
def test_what_was_written_is_read(size: int):
    content = content_of(size)[:size]
    assert read(written(content)) == content


def test_the_content_cannot_be_read_in_the_file():
    assert b"NL91ABNA0417164300" not in written(b"NL91ABNA0417164300" * 100)


@pytest.mark.parametrize("size", [1, CHUNK + 1])
def test_a_changed_byte_anywhere_is_refused(size: int):
    whole = written(content_of(size)[:size])
    begin = len(MAGIC) + 4
    places = {*range(begin + 4), begin + 20, len(whole) // 2, len(whole) - TAG - 1, len(whole) - 1}
    for place in sorted(places):
        changed = bytearray(whole)
        changed[place] ^= 1
        with pytest.raises(BackupRefused):
            read(bytes(changed))


@pytest.mark.parametrize("size", [1, CHUNK, 2 * CHUNK + 9])
def test_a_file_that_was_cut_off_is_refused(size: int):
    whole = written(content_of(size)[:size])
    head = len(whole) - size - TAG * (size // CHUNK + (1 if size % CHUNK or not size else 0))
    for length in {0, 5, len(MAGIC) + 2, head - 1, head, head + CHUNK + TAG, len(whole) - TAG, len(whole) - 1}:
        if length < len(whole):
            with pytest.raises(BackupRefused):
                read(whole[:length])


def test_chunks_that_change_places_or_are_left_out_or_added_are_refused():
    content = content_of(3 * CHUNK)[: 3 * CHUNK - 9]
    whole = written(content)
    sealed = CHUNK + TAG
    begin = len(whole) - len(content) - 3 * TAG
    head, one, two, last = whole[:begin], *(whole[begin + at * sealed : begin + (at + 1) * sealed] for at in range(3))
    assert read(head + one + two + last) == content
    for changed in (head + two + one + last, head + one + last, head + one + two + last + last, head + one + two):
        with pytest.raises(BackupRefused):
            read(changed)


def test_another_key_is_refused():
    with pytest.raises(BackupRefused, match="another key"):
        read(written(b"content"), OTHER)


def test_two_backups_of_the_same_content_differ():
    assert written(b"content") != written(b"content")


def test_a_large_content_needs_little_memory():
    """128 MiB through both directions, in less than 12 MiB."""

    def parts() -> Iterator[bytes]:
        yield from (bytes(CHUNK) for _ in range(128))

    class Null(io.RawIOBase):
        def write(self, data: object) -> int:
            return len(data)  # type: ignore[arg-type]

    tracemalloc.start()
    size = write_backup(Null(), KEY, {}, parts())  # type: ignore[arg-type]
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert size == 128 * CHUNK and most < 12 * CHUNK
