"""Find or install Chromium for the tests: an installed one, Debian's package, or Playwright's build."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
MAC_PLACES = (
    "/Applications/Chromium.app/Contents/MacOS/Chromium",
    "/Applications/Google Chrome.app/Contents/MacOS/Google Chrome",
)
# No background requests: a closed network refuses many of them, and the tests need none.
FLAGS = (
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)


class NoBrowser(Exception):
    """No Chromium was found or installed; the message says what to do."""


def find_or_install() -> str:
    """Return the path of a Chromium that starts; install one if needed.

    Raises:
    - NoBrowser
    """
    for way in (find, install_by_debian, install_by_playwright):
        path = way()
        if path and starts(path):
            return path
    raise NoBrowser(
        "The browser tests need Chromium or Chrome and none could be installed. "
        "Install one (Debian: apt-get install chromium), or name it in BIZCUIT_TEST_BROWSER."
    )


def find() -> str | None:
    """Return the browser named in BIZCUIT_TEST_BROWSER, else an installed one."""
    named = os.environ.get("BIZCUIT_TEST_BROWSER")
    if named:
        return named
    found = next((path for name in NAMES if (path := shutil.which(name))), None)
    return found or next((path for path in MAC_PLACES if Path(path).exists()), None) or by_playwright()


def install_by_debian() -> str | None:
    """Install Debian's package, if this is root on Debian."""
    if not shutil.which("apt-get") or os.geteuid() != 0:
        return None
    environment = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
    for command in (["update", "-q"], ["install", "-q", "-y", "--no-install-recommends", "chromium"]):
        subprocess.run(["apt-get", *command], env=environment, stdout=sys.stderr, check=False)
    return shutil.which("chromium")


def install_by_playwright() -> str | None:
    """Install the build that belongs to the installed Playwright."""
    command = [sys.executable, "-m", "playwright", "install", "chromium"]
    subprocess.run(command, stdout=sys.stderr, check=False)
    return by_playwright()


def by_playwright() -> str | None:
    """Return Playwright's Chromium, if it was downloaded. In a separate process, because Playwright starts an event
    loop.
    """
    code = (
        "from playwright.sync_api import sync_playwright\n"
        "with sync_playwright() as p: print(p.chromium.executable_path)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    path = done.stdout.strip()
    return path if path and Path(path).exists() else None


def starts(path: str) -> bool:
    """Return whether this browser runs here; a package may lack a library."""
    try:
        done = subprocess.run([path, "--version"], capture_output=True, timeout=60, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return done.returncode == 0


if __name__ == "__main__":
    print(find_or_install())
