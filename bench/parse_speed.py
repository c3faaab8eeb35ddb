"""Parse one payment file in a new process: python -m bench.parse_speed FILE prints the MB it used."""

import sys
from pathlib import Path

from bench import files
from bench.measurement import added_mb
from connectors.nmbrs.payment_file import read_payment_file


def main(path: str) -> None:
    raw = Path(path).read_bytes()
    read_payment_file(files.payment_file(100), "")
    print(added_mb(lambda: read_payment_file(raw, "")))


if __name__ == "__main__":
    main(sys.argv[1])
