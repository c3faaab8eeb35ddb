"""`make run`: start the stack, add demo data, print the URLs, and stop on Ctrl-C.

It uses little memory because it stays alive: migrations and demo data run in separate processes.
"""

import contextlib
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

from core.private_files import private_opener
from tools.dev_stack import PORT_VARIABLES, ROOT, Ports, Stack, StackFailed

DEFAULT_PORTS = Ports(web=8000, sandbox=8001, smtp=8002)


def main() -> int:
    """Run until asked to stop; return 0 after a regular stop, 1 if it could not start."""
    started, stopped = threading.Event(), threading.Event()
    for sign in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(sign, lambda number, frame: stopped.set() if started.is_set() else interrupt())
    try:
        stack = Stack(home(), ports(), notice=say)
        say("Bizcuit start …")
        with stack:
            found = seed(stack)
            started.set()
            print(greeting(stack, found), flush=True)
            stopped.wait()
            say("Bizcuit stopt …")
    except StackFailed as problem:
        print(f"\n{problem}\n", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        say("Afgebroken.")
        return 130
    return 0


def interrupt() -> None:
    """Abort the start on a signal; the stack stops what it has started."""
    raise KeyboardInterrupt


def home() -> Path:
    """Return the folder for all written data."""
    return Path(os.environ.get("BIZCUIT_HOME") or ROOT / "var")


def ports() -> Ports:
    """Return the ports, each from its variable; the mail port follows the sandbox."""
    web = port_of("web", DEFAULT_PORTS.web)
    sandbox = port_of("sandbox", DEFAULT_PORTS.sandbox)
    return Ports(web, sandbox, port_of("smtp", sandbox + 1))


def port_of(name: str, default: int) -> int:
    """Return the port in a variable.

    Raises:
    - StackFailed: it is not a port number.
    """
    text = os.environ.get(PORT_VARIABLES[name]) or str(default)
    if not text.isdigit() or not 0 < int(text) < 65536:
        raise StackFailed(f"{PORT_VARIABLES[name]} moet een poortnummer van 1 tot 65535 zijn, niet {text!r}.")
    return int(text)


def seed(stack: Stack) -> dict[str, str]:
    """Create the demo's entrepreneur and a payment, through the pages, in a separate process.

    A failure is only reported (someone may have changed the demo's password): the stack works without it.
    """
    command = [sys.executable, "-m", "tools.dev_seed"]
    done = subprocess.run(
        command, cwd=ROOT, env=stack.environment, stdin=subprocess.DEVNULL, capture_output=True, check=False
    )
    if done.returncode == 0:
        return json.loads(done.stdout)
    said = done.stderr.decode(errors="replace").strip().splitlines() or ["geen uitleg"]
    with open(stack.logs / "seed.log", "wb", opener=private_opener) as log:
        log.write(done.stderr)
    say(f"Er is geen betaling klaargezet: {said[-1]} (zie {stack.logs / 'seed.log'})")
    return {}


def greeting(stack: Stack, found: dict[str, str]) -> str:
    """Return the welcome text, in Dutch."""
    where = stack.home
    with contextlib.suppress(ValueError):
        where = where.relative_to(Path.cwd())
    rows = [
        ("App", stack.base_url),
        ("Inloggen", found.get("email", "")),
        ("Wachtwoord", found.get("password", "")),
        ("Pincode", found.get("pin", "")),
        ("Betaling", found.get("payment", "")),
        ("", found.get("summary", "")),
        ("Sandbox", f"{stack.sandbox_url} (Nmbrs, banken, iDIN en KvK nagespeeld)"),
        ("Mailbox", f"{stack.sandbox_url}/mail/"),
        ("Gegevens", f"{where} (logboeken in {where / 'logs'})"),
    ]
    lines = "\n".join(f"  {name:<11} {text}" for name, text in rows if text)
    return f"\nBizcuit staat klaar.\n\n{lines}\n\nStoppen: Ctrl-C.\n"


def say(text: str) -> None:
    """Print one line."""
    print(text, flush=True)


if __name__ == "__main__":
    sys.exit(main())
