"""Check code and templates: `make lint` (style), `make types` (types)."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent
MAX_LINE = 120
# What has its lines limited to MAX_LINE beside Python, which ruff checks; djlint does not enforce its own setting.
SHORT_LINES = ("templates", "static/css", "static/js", "static/sw.js")
SUFFIXES = {".html", ".txt", ".css", ".js"}
# A picture in a stylesheet has no line breaks.
_PICTURE = 'url("data:'


def main(kinds: list[str]) -> int:
    """Run the named checks; return 0 if all pass."""
    return max(CHECKS[kind]() for kind in kinds or list(CHECKS))


def style() -> int:
    """Run ruff on the code, djlint on the templates, and the line length check on templates, styles and scripts."""
    code = run("ruff", "check", ".")
    templates = [folder for folder in ("templates", "sandbox/templates") if (ROOT / folder).exists()]
    too_long = [fault for folder in SHORT_LINES for fault in long_lines(ROOT / folder)]
    print(*too_long, sep="\n", end="\n" if too_long else "")
    return max(code, run("djlint", "--lint", "--quiet", *templates) if templates else 0, int(bool(too_long)))


def long_lines(root: Path) -> list[str]:
    """Return lines of a file, or of the files in a folder, longer than MAX_LINE, as `file:line: length`."""
    return [
        f"{path}:{number}: {len(line)} characters, {MAX_LINE} at most"
        for path in ([root] if root.is_file() else sorted(root.rglob("*")))
        if path.suffix in SUFFIXES
        for number, line in enumerate(path.read_text("utf-8").splitlines(), 1)
        if len(line) > MAX_LINE and _PICTURE not in line
    ]


def types() -> int:
    """Run pyright on the Node.js of the playwright wheel, so that nothing else needs to be installed."""
    import playwright

    node = Path(playwright.__file__).parent / "driver"
    path = os.pathsep.join([str(node), os.environ.get("PATH", "")])
    return run("pyright", "--pythonpath", sys.executable, environment={**os.environ, "PATH": path})


def run(module: str, *arguments: str, environment: dict[str, str] | None = None) -> int:
    """Run one checker as a module of this Python."""
    return subprocess.call([sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment)


CHECKS = {"style": style, "types": types}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
