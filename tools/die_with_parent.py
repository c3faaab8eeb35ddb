"""Run a command that ends with the process that started it.

    python tools/die_with_parent.py PARENT_PID COMMAND…

On Linux the kernel sends the command SIGTERM when its parent ends (PR_SET_PDEATHSIG survives exec), so a killed
launcher leaves nothing behind. Elsewhere the command just runs, and the next launcher stops it by its process file (see
tools/dev_stack.py).
"""

import os
import signal
import sys

PR_SET_PDEATHSIG = 1


def main(parent: int, command: list[str]) -> None:
    """Tie this process to `parent`, then replace it with `command`."""
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGTERM, 0, 0, 0)
    os.umask(0o077)  # what it writes is for this user only
    if os.getppid() != parent:  # the parent died before prctl was called
        sys.exit(1)
    os.execvp(command[0], command)


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2:])
