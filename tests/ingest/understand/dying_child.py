"""An understanding child whose normalizer does what the payload says; each passing is a line in `DYING_JOURNAL`."""

import ctypes
import os
import signal
import sys
import time
from pathlib import Path

from ingest import understand_child
from tests.ingest.understand.records import normalizer


def _line(word: str) -> None:
    with Path(os.environ["DYING_JOURNAL"]).open("a") as journal:
        journal.write(f"{word}\n")


def _die() -> None:
    _line("die")
    os.kill(os.getpid(), signal.SIGKILL)


def _die_once() -> None:
    first = "once" not in Path(os.environ["DYING_JOURNAL"]).read_text()
    _line("once")
    if first:
        os.kill(os.getpid(), signal.SIGKILL)


def _overflow() -> None:
    _line("segfault")
    ctypes.string_at(0)


def _hang() -> None:
    _line("hang")
    time.sleep(600)


def _hoard() -> None:
    _line("hoard")
    hoard = [bytearray(64 * 1024 * 1024) for _ in range(64)]
    _line(f"had {len(hoard)}")


def _freeze() -> None:
    first = "freeze" not in Path(os.environ["DYING_JOURNAL"]).read_text()
    _line("freeze")
    if first:
        os.kill(os.getpid(), signal.SIGSTOP)


if __name__ == "__main__":
    understand_child.NORMALIZERS = {  # type: ignore[attr-defined]  # what the child looks up is put in its place
        "email": normalizer(
            {
                b"die now": _die,
                b"die once": _die_once,
                b"segfault": _overflow,
                b"hang": _hang,
                b"hoard": _hoard,
                b"freeze": _freeze,
            }
        )
    }
    sys.exit(understand_child.main())
