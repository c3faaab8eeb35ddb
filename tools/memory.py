"""Measure the memory of the stack: the sum of PSS over a process and its descendants (Linux).

PSS counts a page shared by n processes as 1/n in each, so the sum is the real use.

    python -m tools.memory [PID]      # default: the launcher of BIZCUIT_HOME
"""

import contextlib
import os
import sys
from pathlib import Path

PROC = Path("/proc")


def tree(root: int) -> list[int]:
    """Return the process and all its descendants."""
    parents: dict[int, list[int]] = {}
    for entry in PROC.iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError, ValueError):
                after_name = (entry / "stat").read_text().rpartition(")")[2].split()
                parents.setdefault(int(after_name[1]), []).append(int(entry.name))
    found = [root]
    for pid in found:
        found += parents.get(pid, [])
    return found


def pss_bytes(pid: int) -> int:
    """Return the PSS of a process in bytes; 0 if it has ended."""
    with contextlib.suppress(OSError):
        for line in (PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    return 0


def house(root: int) -> dict[str, int]:
    """Return the PSS in bytes of each process below `root`, by id and command."""
    return {f"{pid} {command(pid)}": pss_bytes(pid) for pid in tree(root)}


def command(pid: int) -> str:
    """Return the start of the command line, without paths."""
    with contextlib.suppress(OSError):
        words = (PROC / str(pid) / "cmdline").read_bytes().decode(errors="replace").split("\0")
        return " ".join(Path(word).name or word for word in words[:4]).strip()
    return ""


def main() -> int:
    home = Path(os.environ.get("BIZCUIT_HOME") or Path(__file__).parent.parent / "var")
    root = int(sys.argv[1] if len(sys.argv) > 1 else (home / "run" / "launcher.lock").read_text())
    parts = house(root)
    for name, size in sorted(parts.items(), key=lambda part: -part[1]):
        print(f"{size / 1e6:8.1f} MB  {name}")
    print(f"{sum(parts.values()) / 1e6:8.1f} MB  together")
    return 0


if __name__ == "__main__":
    sys.exit(main())
