"""`make bench`: run every benchmark in its own process; print a table and write bench/results.json.

    python -m bench [webhook run_intake turns page pain conclusion memory]
"""

import json
import os
import platform
import subprocess
import sys
import tempfile
from datetime import UTC, datetime
from importlib import import_module
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
PARTS = ("webhook", "run_intake", "turns", "page", "pain", "conclusion", "memory")


def main(parts: list[str]) -> int:
    """Run the named parts, or all; return 1 if one failed or missed its goal."""
    figures: list[dict[str, Any]] = []
    broken = []
    for part in parts or PARTS:
        try:
            found = measure(part)
        except subprocess.CalledProcessError:
            broken.append(part)
            continue
        for figure in found:
            print(row(figure), flush=True)
        figures += found
    if not parts:
        write(figures)
    for part in broken:
        print(f"could not be measured: {part} (see above)", file=sys.stderr)
    return 1 if broken or any(figure["good"] is False for figure in figures) else 0


def measure(part: str) -> list[dict[str, Any]]:
    """Return the figures of one part, from a new process with a new folder."""
    code = f"from bench.__main__ import one; one({part!r})"
    return json.loads(subprocess.check_output([sys.executable, "-c", code], cwd=HERE.parent, text=True))


def one(part: str) -> None:
    """Run one part in this process and print its figures as JSON."""
    with tempfile.TemporaryDirectory(prefix="bizcuit-bench-") as home:
        figures = import_module(f"bench.{part}").measure(Path(home))
    print(json.dumps([figure.as_dict() for figure in figures]))


def row(figure: dict[str, Any]) -> str:
    """Return one line of the table."""
    verdict = {True: "goal met", False: "GOAL MISSED", None: ""}[figure["good"]]
    floor = (
        f"floor {figure['floor']:g} {figure['unit']} ({figure['floor_name']})" if figure["floor"] is not None else ""
    )
    rest = [text for text in (floor, figure["note"], figure["goal"], verdict) if text]
    return f"{figure['name']:<60} {figure['value']:>9,g} {figure['unit']:<11} {' · '.join(rest)}"


def write(figures: list[dict[str, Any]]) -> None:
    """Write the figures with the machine and the time."""
    where = {
        "at": datetime.now(UTC).isoformat(timespec="seconds"),
        "python": platform.python_version(),
        "system": f"{platform.system()} {platform.machine()}, {os.cpu_count()} cores",
    }
    (HERE / "results.json").write_text(json.dumps({**where, "figures": figures}, indent=1, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
