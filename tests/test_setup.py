"""Setup repeats nothing, and explains what is missing."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tools import bootstrap_venv

ROOT = Path(__file__).parent.parent


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A .venv recorded as having the current requirements."""
    venv = tmp_path / "venv"
    (venv / "bin").mkdir(parents=True)
    (venv / "bin" / "python").symlink_to(sys.executable)
    stamp = {"at": str(venv), "files": {"requirements.txt": bootstrap_venv.digest(str(ROOT / "requirements.txt"))}}
    (venv / "installed.json").write_text(json.dumps(stamp))
    return venv


def run_setup(venv: Path, *files: str) -> subprocess.CompletedProcess[str]:
    """Run tools/bootstrap_venv.py for this .venv, without access to an installer."""
    environ = {**os.environ, "BIZCUIT_VENV": str(venv), "PATH": "/nonexistent"}
    command = [sys.executable, str(ROOT / "tools" / "bootstrap_venv.py"), *files]
    return subprocess.run(command, env=environ, capture_output=True, text=True, check=False)


def test_installed_requirements_are_not_reinstalled(finished: Path):
    before = sorted(path.name for path in finished.rglob("*"))
    done = run_setup(finished, "requirements.txt")
    assert (done.returncode, done.stdout, done.stderr) == (0, "", "")
    assert sorted(path.name for path in finished.rglob("*")) == before


@pytest.mark.parametrize(
    "change",
    [
        {"files": {"requirements.txt": "another"}},
        {"files": {}},
        {"at": "/somewhere/else"},
    ],
)
def test_changed_requirements_are_noticed(finished: Path, change: dict[str, object], monkeypatch: pytest.MonkeyPatch):
    stamp = json.loads((finished / "installed.json").read_text())
    wanted = {"requirements.txt": bootstrap_venv.digest(str(ROOT / "requirements.txt"))}
    monkeypatch.setattr(bootstrap_venv, "VENV", str(finished))
    monkeypatch.setattr(bootstrap_venv, "PYTHON", str(finished / "bin" / "python"))
    assert bootstrap_venv.fulfils(stamp, wanted)
    assert not bootstrap_venv.fulfils({**stamp, **change}, wanted)


def test_an_old_python_gets_an_explanation(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    monkeypatch.setattr(sys, "version_info", (3, 9, 18, "final", 0))
    monkeypatch.setenv("PATH", "/nonexistent")
    assert bootstrap_venv.main(["requirements.txt"]) == 1
    said = capsys.readouterr().err
    assert "Python 3.11 or newer is needed" in said
    assert "is 3.9." in said


def test_a_python_without_venv_gets_an_explanation(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(sys.modules, "ensurepip", None)
    with pytest.raises(SystemExit):
        bootstrap_venv.make_venv()
    assert "apt-get install python3-venv" in capsys.readouterr().err
