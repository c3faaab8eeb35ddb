"""Write the pinned requirement files anew: `make pins`.

One resolution for every platform and for Python 3.11 and newer, with hashes. No index address is
written: whoever installs uses the index that is set up there. To raise one package alone:
`make pins ARGS="--upgrade-package flask"`; without arguments the pins stay unless an .in file changed.
"""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
FILES = ("requirements", "requirements-dev", "tools/uv")
OPTIONS = (
    "--universal",
    "--generate-hashes",
    "--python-version",
    "3.11",
    "--no-emit-index-url",
    "--no-header",
    "-q",
)


def main(extra: list[str]) -> int:
    """Compile each .in file; `extra` goes to uv as it is."""
    for name in FILES:
        command = [
            sys.executable,
            "-m",
            "uv",
            "pip",
            "compile",
            *OPTIONS,
            *extra,
            f"{name}.in",
            "-o",
            f"{name}.txt",
        ]
        if subprocess.call(command, cwd=ROOT, stdout=subprocess.DEVNULL) != 0:
            return 1
        refuse_hosts(ROOT / f"{name}.txt")
    return 0


def refuse_hosts(path: Path) -> None:
    """Refuse a file that names an index: it would tie every install to this machine's registry."""
    if any(mark in path.read_text() for mark in ("://", "--index-url", "--find-links")):
        raise SystemExit(f"{path.name} names an address; compile it without private indexes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
