"""`helpdesk`, also as `python -m helpdesk`: from here on Ctrl-C ends it without a word, also in the second in which it is loaded."""

import signal


def main() -> None:
    """Load the command line and run it."""
    interruptible = signal.getsignal(signal.SIGINT) is signal.default_int_handler
    if interruptible:  # while nothing has begun, let the system end us: an exception would come up in the middle of some import
        signal.signal(signal.SIGINT, signal.SIG_DFL)
    from helpdesk.cli import app

    if interruptible:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    app()


if __name__ == "__main__":
    main()
