"""The second `make run`: how soon it is ready, and how much memory the idle stack uses."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

from bench.measurement import Figure
from tools import memory
from tools.dev_stack import ROOT, Ports

GOAL_SECONDS, GOAL_MB = 5.0, 300.0
SETTLING = 5.0  # seconds idle before the memory is read


def measure(home: Path) -> list[Figure]:
    """Start once to fill the folder, then measure the second start."""
    ports = Ports.free()
    first, _ = start(home, ports, rest=0)
    second, megabytes = start(home, ports, rest=SETTLING)
    return [
        Figure("make run, first start (packages installed)", round(first, 1), "s"),
        Figure(
            "make run, second start", round(second, 1), "s", round(floor(), 2), "Python importing the same packages",
            f"≤ {GOAL_SECONDS:g} s", second <= GOAL_SECONDS,
        ),
        Figure(
            "the whole stack idle, sum of PSS", round(megabytes), "MB", goal=f"≤ {GOAL_MB:g} MB",
            good=megabytes <= GOAL_MB,
        ),
    ]  # fmt: skip


def start(home: Path, ports: Ports, rest: float) -> tuple[float, float]:
    """Return the seconds until it is ready, and the MB after `rest` seconds; then stop it."""
    environ = {name: value for name, value in os.environ.items() if not name.startswith("BIZCUIT_")}
    environ |= {"BIZCUIT_HOME": str(home), "BIZCUIT_PORT": str(ports.web)}
    environ |= {"BIZCUIT_SANDBOX_PORT": str(ports.sandbox), "BIZCUIT_SMTP_PORT": str(ports.smtp)}
    begun = time.perf_counter()
    launcher = subprocess.Popen(["make", "run"], cwd=ROOT, env=environ, stdout=subprocess.PIPE, text=True)
    assert launcher.stdout is not None
    try:
        for line in launcher.stdout:
            if "Stoppen" in line:
                break
        else:
            raise RuntimeError(f"make run ended with {launcher.wait()}")
        seconds = time.perf_counter() - begun
        time.sleep(rest)
        root = int((home / "run" / "launcher.lock").read_text())
        return seconds, sum(memory.house(root).values()) / 1e6
    finally:
        os.kill(int((home / "run" / "launcher.lock").read_text()), signal.SIGTERM)
        launcher.wait()
        launcher.stdout.close()


def floor() -> float:
    """Return the seconds to import only the largest packages."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import flask, peewee, zeep, rq"], check=True)
    return time.perf_counter() - begun
