"""`make run` for the second time: how soon it has said its piece, and what the house costs while it waits."""

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
SETTLING = 5.0  # seconds of rest before the memory is read


def measure(home: Path) -> list[Figure]:
    """The first start fills the folder; the second is timed."""
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
    """Seconds until it has said everything, and MB after a rest; then it is stopped."""
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
    """What only importing the largest packages takes."""
    begun = time.perf_counter()
    subprocess.run([sys.executable, "-c", "import flask, peewee, zeep, rq"], check=True)
    return time.perf_counter() - begun
