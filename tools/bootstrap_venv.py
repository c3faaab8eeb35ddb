"""Create .venv and install the pinned requirement files in it.

Standard library and old syntax only: this runs before anything is installed, on any `python3`. If nothing changed it
reads one small file, so that every `make` target can call it.

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
    """Install `files` (paths from the root) in .venv; return the exit status."""
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
    """Run this file again with a Python that is new enough, or print what to install."""
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
    """Return whether this Python starts; a shim or one with a removed base may not."""
    nothing = subprocess.DEVNULL
    return subprocess.call([python, "-c", ""], stdout=nothing, stderr=nothing) == 0


def usable():
    # type: () -> bool
    """Return whether .venv was made for this path and still runs."""
    return read_stamp().get("at") == VENV and os.path.exists(PYTHON) and runs(PYTHON)


def make_venv():
    # type: () -> None
    """Create an empty .venv, replacing a broken or moved one."""
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
    """Install the pinned files with uv, or with pip where uv does not work."""
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
    """Install the pinned uv in .venv, which is many times faster than pip; return whether that worked."""
    pins = os.path.join(ROOT, "tools", "uv.txt")
    command = [PYTHON, "-m", "pip", "install", "-q", "--require-hashes", "-r", pins]
    return subprocess.call(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) == 0


def digest(path):
    # type: (str) -> str
    """Return the SHA-256 of a file, in hex."""
    with open(path, "rb") as file:
        return hashlib.sha256(file.read()).hexdigest()


def fulfils(stamp, wanted):
    # type: (dict, dict) -> bool
    """Return whether this .venv, at this path, already has the wanted files."""
    have = stamp.get("files", {})
    here = stamp.get("at") == VENV and os.path.exists(PYTHON)
    return here and all(have.get(name) == value for name, value in wanted.items())


def read_stamp():
    # type: () -> dict
    """Return what was installed last; empty if unknown."""
    try:
        with open(STAMP) as file:
            return json.load(file)
    except (OSError, ValueError):
        return {}


def write_stamp(files):
    # type: (dict) -> None
    """Record what is installed. Written last, so that an interrupted install is repeated."""
    with open(STAMP, "w") as file:
        json.dump({"at": VENV, "files": files}, file)


def say(text):
    # type: (str) -> None
    """Print one line of progress."""
    print("setup: " + text, flush=True)


def refuse(what, remedy):
    # type: (str, str) -> int
    """Print what is wrong and what to do about it."""
    sys.stderr.write("setup: %s\n       %s\n" % (what, remedy))
    return 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:] or ["requirements.txt"]))
