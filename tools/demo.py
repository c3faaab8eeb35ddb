"""`make demo`: the main flow on a fresh temporary stack, one line per step.

The last line is `executed 8/8 EUR 19806.08` and the exit status 0; or the failed step is named and the exit status is
1.
"""

import os
import shutil
import sys
import tempfile
from pathlib import Path

import requests

from tools.demo_journey import ONBOARDING, PAYING, DemoJourney
from tools.dev_stack import Stack, StackFailed
from tools.http_browser import PageError


def main() -> int:
    """Run the journey on free ports, in a folder that is removed unless a step fails."""
    home = Path(tempfile.mkdtemp(prefix="bizcuit-demo-"))
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BIZCUIT_")}
    try:
        with Stack(home, environ=environ, notice=tell) as stack:
            code = walk(DemoJourney(stack.base_url, stack.sandbox_url))
    except StackFailed as problem:
        tell(str(problem))
        code = 1
    if code == 0:
        shutil.rmtree(home, ignore_errors=True)
    else:
        tell(f"the logs are in {home / 'logs'}")
    return code


def walk(story: DemoJourney) -> int:
    """Run every step in order; return 0 if all succeed."""
    for step in (*ONBOARDING, *PAYING):
        try:
            print(step(story), flush=True)
        except (PageError, requests.RequestException) as problem:
            tell(f"failed at {step.__name__}: {problem}")
            return 1
    return 0


def tell(text: str) -> None:
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
