"""``python -m phones``: serve the practice ground until it is told to stop."""

from __future__ import annotations

import argparse
import os
import signal
import sys
import threading
from dataclasses import fields
from pathlib import Path
from types import FrameType

from phones.app import serve
from phones.state import Accounts, Ground, read_people


def main() -> int:
    """Read the options, serve, and return the exit code."""
    own = Accounts()
    parser = argparse.ArgumentParser(
        prog="python -m phones",
        description="Practice ground: stands in for Twilio and Telegram. Nothing leaves here.",
    )
    parser.add_argument("--port", type=int, default=8001)
    parser.add_argument("--people", type=Path, help="JSON list of {name, language, channel, ...}")
    parser.add_argument("--keep", type=Path, help="file in which all of it outlives a restart")
    parser.add_argument(
        "--until-eof",
        action="store_true",
        help="stop when standard input ends: with whoever started this, however that ends",
    )
    parser.add_argument("--house", default=own.house, help="origin of the house")
    parser.add_argument("--delay", type=float, default=own.delay, help="seconds per step")
    parser.add_argument("--advanced-opt-out", action="store_true")
    for name in (
        "twilio-sid",
        "twilio-token",
        "twilio-key-sid",
        "twilio-key-secret",
        "sms-from",
        "whatsapp-from",
        "messaging-service",
        "telegram-token",
        "telegram-name",
        "telegram-secret",
        "sender-name",
    ):
        parser.add_argument(f"--{name}", default=getattr(own, name.replace("-", "_")))
    options = parser.parse_args()
    accounts = Accounts(**{field.name: getattr(options, field.name) for field in fields(Accounts)})
    ground = Ground(accounts)
    if options.people:
        try:
            ground.bring(read_people(options.people))
        except (OSError, ValueError, KeyError) as error:
            print(f"Cannot read {options.people}: {error}", file=sys.stderr)  # noqa: T201
            return 1
    told = _until_told(until_eof=options.until_eof)
    try:
        server = serve(ground, options.port, options.keep)
    except OSError as error:
        print(f"Cannot listen on port {options.port}: {error}", file=sys.stderr)  # noqa: T201
        return 1
    print(f"Practice ground: {server.url}", file=sys.stderr)  # noqa: T201
    told.wait()
    server.close()
    return 0


def _until_told(*, until_eof: bool) -> threading.Event:
    """Return an event that is set when this process is asked to end."""
    told = threading.Event()

    def tell(number: int, frame: FrameType | None) -> None:
        told.set()

    signal.signal(signal.SIGTERM, tell)
    signal.signal(signal.SIGINT, tell)
    if until_eof:

        def follow() -> None:
            # Not by sys.stdin: its lock, held by a thread that waits, breaks the interpreter's end.
            while os.read(0, 4096):
                pass
            told.set()

        threading.Thread(target=follow, name="until-eof", daemon=True).start()
    return told


if __name__ == "__main__":
    sys.exit(main())
