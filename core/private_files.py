"""Keep the program's files readable by its own user only: folders 0700, files 0600, whatever the umask."""

import fcntl
import logging
import os
import stat
from collections.abc import Iterable, Iterator
from pathlib import Path

OTHERS = 0o077  # what group and others may do
# Our files in the home folder. Others are not touched: the folder may hold files of its owner.
OURS = ("bizcuit.db*", "secrets.json", "audit-anchors.jsonl", "newest-mark.json", "order-marks.jsonl",
        "bank-identity.pem", "logs", "run", "queue", "sandbox")  # fmt: skip
BESIDE_SQLITE = ("", "-wal", "-shm", "-journal", ".migrate-lock")

log = logging.getLogger(__name__)


def keep_private(home: Path) -> None:
    """Make this process create private files only, and restrict what an earlier version left readable to others."""
    os.umask(OTHERS)
    if home.is_dir():
        found = [home, *(path for name in OURS for path in home.glob(name))]
        tighten([*found, *(inner for path in found[1:] for inner in path.rglob("*"))])


def private_opener(path: str, flags: int) -> int:
    """Open or create a file for this user only: `open(path, "w", opener=private_opener)`."""
    return os.open(path, flags, 0o600)


def append_lines(path: Path, text: str) -> None:
    """Append whole lines to a file for this user only, and have them on the disk when this returns.

    A line that was cut off there, by a full disk or a stopped machine, is ended first: it spoils no other.
    """
    with open(path, "ab+", opener=private_opener) as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - 1))
        begun = b"" if file.read(1) in (b"", b"\n") else b"\n"
        file.write(begun + text.encode())
        file.flush()
        os.fsync(file.fileno())


def make_private_folder(path: Path) -> None:
    path.mkdir(mode=0o700, parents=True, exist_ok=True)


def make_private_database(path: Path) -> None:
    """Create the file of an SQLite database, which gives its own mode to the files that it writes beside it.

    An existing one is never opened here: closing it would release the locks that SQLite holds in this process
    (sqlite.org/howtocorrupt.html, section 2.2).
    """
    try:
        os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_RDWR, 0o600))
    except FileExistsError:
        tighten(Path(f"{path}{suffix}") for suffix in BESIDE_SQLITE)


def tighten(paths: Iterable[Path]) -> None:
    """Remove the permissions of group and others from these files and folders of this user, and log it."""
    changed = list(_tightened(paths))
    if changed:
        rest = f" and {len(changed) - 3} more" if len(changed) > 3 else ""
        log.warning("others could read what is now private: %s%s", ", ".join(map(str, changed[:3])), rest)


def _tightened(paths: Iterable[Path]) -> Iterator[Path]:
    for path in paths:
        try:
            found = path.lstat()
            ours = found.st_uid == os.geteuid() and not found.st_mode & stat.S_ISVTX  # not a folder shared by all
            if ours and not stat.S_ISLNK(found.st_mode) and found.st_mode & OTHERS:
                path.chmod(stat.S_IMODE(found.st_mode) & ~OTHERS)
                yield path
        except FileNotFoundError:
            continue  # it went away meanwhile, such as the log of SQLite
