"""Write the pinned requirement files: `make pins`.

One resolution for all platforms and Python 3.11 and newer, with hashes. No index URL is written, so every install uses
its own index. To upgrade one package: `make pins ARGS="--upgrade-package flask"`; without arguments the pins stay
unless an .in file changed.
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
    """Compile each .in file; `extra` is passed to uv."""
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
    """Refuse a file that contains an index URL, which would tie every install to that index."""
    if any(mark in path.read_text() for mark in ("://", "--index-url", "--find-links")):
        raise SystemExit(f"{path.name} names an address; compile it without private indexes")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
