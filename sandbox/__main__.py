"""python -m sandbox --port N --smtp-port N --home DIR --web-url http://localhost:8000"""

import argparse
import logging
import os
import signal
import sys

import waitress

from sandbox import faults, mailbox
from sandbox.app import create_app

LOOPBACK = "127.0.0.1"
# A waiting thread is cheap, and a fault may hold several for a minute.
THREADS = 64


def arguments(argv: list[str] | None = None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--smtp-port", type=int, default=None, help="default: the port + 1")
    parser.add_argument("--home", default="var/sandbox", help="the one folder that is written to")
    parser.add_argument("--web-url", default="http://localhost:8000", help="where the app lives")
    options = parser.parse_args(argv)
    if options.smtp_port is None:
        options.smtp_port = options.port + 1
    return options


def stop(signum, frame) -> None:
    # waitress stops on SystemExit and closes its sockets, once the held calls have ended.
    faults.let_go()
    sys.exit(0)


def main(argv: list[str] | None = None) -> None:
    options = arguments(argv)
    os.umask(0o077)  # what it writes is for this user only
    logging.basicConfig(level=logging.INFO, format="sandbox: %(message)s")
    logging.getLogger("mail.log").setLevel(logging.WARNING)
    signal.signal(signal.SIGTERM, stop)
    signal.signal(signal.SIGINT, stop)
    base_url = f"http://{LOOPBACK}:{options.port}"
    app = create_app(options.home, options.web_url, base_url)
    post_office = mailbox.start_smtp(LOOPBACK, options.smtp_port)
    try:
        waitress.serve(app, host=LOOPBACK, port=options.port, threads=THREADS, connection_limit=500, ident="sandbox")
    finally:
        post_office.stop()


if __name__ == "__main__":
    main()
