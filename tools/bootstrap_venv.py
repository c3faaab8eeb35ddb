"""Make .venv and bring it to what the pinned requirement files say.

Standard library only and plain syntax: this runs before anything is installed, on whatever
`python3` happens to be. When nothing changed it only reads one small file, so that every
`make` target can afford to call it.

    python3 tools/bootstrap_venv.py requirements.txt [requirements-dev.txt]
"""

import hashlib
import json
import os
import shutil
import subprocess
import sys

ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
VENV = os.environ.get("BIZCUIT_VENV") or os.path.join(ROOT, ".venv")
PYTHON = os.path.join(VENV, "bin", "python")
STAMP = os.path.join(VENV, "installed.json")
OLDEST = (3, 11)
NEWER_NAMES = ("python3.13", "python3.12", "python3.11")


def main(files):
    # type: (list) -> int
    """Bring .venv to `files` (paths from the root); 0 when it is there."""
    if sys.version_info[:2] < OLDEST:
        return with_newer_python()
    wanted = {name: digest(os.path.join(ROOT, name)) for name in files}
    if fulfils(read_stamp(), wanted):
        return 0
    if not usable():
        make_venv()
    stamp = read_stamp()
    install(files)
    write_stamp(dict(stamp.get("files", {}), **wanted))
    return 0


def with_newer_python():
    # type: () -> int
    """Run this file again with a Python that is new enough, or say what to install."""
    for name in NEWER_NAMES:
        path = shutil.which(name)
        if path and runs(path):
            os.execv(path, [path] + sys.argv)
    return refuse(
        "Python 3.11 or newer is needed; %s is %d.%d." % ((sys.executable,) + tuple(sys.version_info[:2])),
        "Install a newer one, or name it: make PYTHON=/path/to/python3.11 run",
    )


def runs(python):
    # type: (str) -> bool
    """Whether this Python starts at all (a shim may not, nor one whose base was removed)."""
    nothing = subprocess.DEVNULL
    return subprocess.call([python, "-c", ""], stdout=nothing, stderr=nothing) == 0


def usable():
    # type: () -> bool
    """Whether .venv was made for this place and still runs."""
    return read_stamp().get("at") == VENV and os.path.exists(PYTHON) and runs(PYTHON)


def make_venv():
    # type: () -> None
    """Lay an empty .venv, replacing a broken or moved one."""
    try:
        import ensurepip  # noqa: F401  (Debian ships it apart, in python3-venv)
        import venv  # noqa: F401
    except ImportError:
        sys.exit(
            refuse(
                "This Python has no venv module.",
                "On Debian or Ubuntu: apt-get install python3-venv (as root). Then run make again.",
            )
        )
    say("making " + os.path.relpath(VENV, os.getcwd()))
    if subprocess.call([sys.executable, "-m", "venv", "--clear", VENV]) != 0:
        sys.exit(refuse("No virtual environment could be made in %s." % VENV, "See the message above."))
    write_stamp({})


def install(files):
    # type: (list) -> None
    """Install the pinned files by uv, or by pip where uv cannot work."""
    named = []
    for name in files:
        named += ["-r", os.path.join(ROOT, name)]
    say("installing " + " and ".join(files))
    by_uv = [PYTHON, "-m", "uv", "pip", "install", "-q", "--require-hashes", "--compile-bytecode", "--system-certs"]
    if has_uv() and subprocess.call(by_uv + ["--python", PYTHON] + named) == 0:
        return
    say("uv could not install; trying pip")
    if subprocess.call([PYTHON, "-m", "pip", "install", "-q", "--require-hashes"] + named) != 0:
        sys.exit(refuse("The packages could not be installed.", "Is the package index reachable? See above."))


def has_uv():
    # type: () -> bool
    """Put the pinned uv into .venv: it installs in seconds what takes pip half a minute."""
    pins = os.path.join(ROOT, "tools", "uv.txt")
    command = [PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", pins]
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def digest(path):
    # type: (str) -> str
    """The SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def fulfils(stamp, wanted):
    # type: (dict, dict) -> bool
    """Whether the stamp says that this .venv, at this place, already holds the wanted files."""
    have = stamp.get("files", {})
    here = stamp.get("at") == VENV and os.path.exists(PYTHON)
    return here and all(have.get(name) == value for name, value in wanted.items())


def read_stamp():
    # type: () -> dict
    """What was installed last; empty when nothing readable says so."""
    try:
        with open(STAMP) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def write_stamp(files):
    # type: (dict) -> None
    """Note what is installed. Written last, so that an interrupted install is done again."""
    with open(STAMP, "w") as file:
        json.dump({"at": VENV, "files": files}, file)


def say(text):
    # type: (str) -> None
    """One line of progress."""
    print("setup: " + text, flush=True)


def refuse(what, remedy):
    # type: (str, str) -> int
    """Say what is wrong and what to do about it."""
    sys.stderr.write("setup: %s\n       %s\n" % (what, remedy))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["requirements.txt"]))
