"""Run the checkers of code and templates: `make lint` (style), `make types` (types)."""

import os
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parent.parent


def main(kinds: list[str]) -> int:
    """Run the named kinds; 0 when all are clean."""
    return max(CHECKS[kind]() for kind in kinds or list(CHECKS))


def style() -> int:
    """ruff over the code, djlint over the templates."""
    code = run("ruff", "check", ".")
    templates = [folder for folder in ("templates", "sandbox/templates") if (ROOT / folder).exists()]
    return max(code, run("djlint", "--lint", "--quiet", *templates) if templates else 0)


def types() -> int:
    """pyright, on the Node.js that the playwright wheel carries: nothing else needs installing."""
    import playwright

    node = Path(playwright.__file__).parent / "driver"
    path = os.pathsep.join([str(node), os.environ.get("PATH", "")])
    return run("pyright", "--pythonpath", sys.executable, environment={**os.environ, "PATH": path})


def run(module: str, *arguments: str, environment: dict[str, str] | None = None) -> int:
    """One checker, as a module of this Python."""
    return subprocess.call([sys.executable, "-m", module, *arguments], cwd=ROOT, env=environment)


CHECKS = {"style": style, "types": types}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
