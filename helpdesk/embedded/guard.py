"""Runs one program that cannot outlive the process that asked for it, not even when that process is killed with SIGKILL.

Called as a plain script: `python -I -S guard.py kernel|pipe PARENT COMMAND...`; standard library only, so it is up in milliseconds.

kernel  Linux: asks the kernel for SIGKILL when the parent *thread* ends (prctl(2), PR_SET_PDEATHSIG; it survives execve), then
        becomes the program, so the program keeps this process id.
pipe    elsewhere: stays as the program's parent and kills it once standard input, a pipe only the caller holds, is closed.
"""

import ctypes
import os
import signal
import subprocess
import sys
import threading
from types import FrameType

PR_SET_PDEATHSIG = 1
ORPHANED = 3  # exit code: the caller was gone before the program could be tied to it


def become(parent: int, command: list[str]) -> None:
    """Tie this process to `parent` and turn into the command; never returns."""
    if ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL) != 0:
        sys.exit(f"prctl(PR_SET_PDEATHSIG): {os.strerror(ctypes.get_errno())}")
    if os.getppid() != parent:  # it died between our fork and the line above: no signal will come any more
        sys.exit(ORPHANED)
    try:
        os.execv(command[0], command)  # noqa: S606  (no shell wanted)
    except OSError as refusal:
        sys.exit(f"{command[0]} cannot be run: {refusal.strerror}")


def watch(command: list[str]) -> int:
    """Run the command, hand it SIGTERM and SIGINT, kill it when standard input ends; its exit code."""
    with subprocess.Popen(command, stdin=subprocess.DEVNULL) as program:

        def pass_on(number: int, _frame: FrameType | None) -> None:
            program.send_signal(number)

        def kill_at_end_of_input() -> None:
            while os.read(sys.stdin.fileno(), 1024):
                pass
            program.kill()

        signal.signal(signal.SIGTERM, pass_on)
        signal.signal(signal.SIGINT, pass_on)
        threading.Thread(target=kill_at_end_of_input, daemon=True).start()
        return program.wait()


def main(arguments: list[str]) -> None:
    """Read the command line described at the top of the file."""
    how, parent, *command = arguments
    if how == "kernel":
        become(int(parent), command)
    code = watch(command)
    os._exit(code if code >= 0 else 128 - code)  # the reading thread may still wait for input


if __name__ == "__main__":
    main(sys.argv[1:])
