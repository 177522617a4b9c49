"""A service process: logging, event loop, signals, health, and the note that tells its supervisor where it is."""

import asyncio
import contextlib
import gc
import json
import os
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import structlog

from bus.errors import ConfigError, Retryable
from bus.health import Health
from bus.logs import configure_logging
from bus.ops import ops_app, serving
from bus.parking import BudgetSpent
from bus.settings import Settings
from bus.source import OffsetLost
from bus.whole_file import write_atomically

log = structlog.get_logger()

RUN_FILE = "DESKSTREAM_RUN_FILE"
OPS_HOST = "DESKSTREAM_OPS_HOST"
NEEDS_MENDING = 3
Announce = Callable[..., None]
Work = Callable[[asyncio.Event, Health, Announce], Awaitable[None]]
"""A service's work: runs until the event is set; `announce(smtp=…)` adds addresses to the run file."""


def run_service(name: str, settings: Settings, work: Work, *, ops_port: int = 0) -> int:
    """Run to the end and return the exit status; the last line says why.

    0 stopped, 1 failed and may be started again, 2 misconfigured, 3 failed until somebody has mended the cause
    (`NEEDS_MENDING`): started again it would forget what it has counted, and go on as if nothing were wrong.
    Health and metrics are served on `DESKSTREAM_OPS_HOST`, by default to this machine only.
    """
    configure_logging(settings.logging, name)
    try:
        with asyncio.Runner(loop_factory=loop_factory()) as runner:
            runner.run(_run(name, work, os.environ.get(OPS_HOST) or "127.0.0.1", ops_port))
    except ConfigError as error:
        _say(name, error)
        return 2
    except (BudgetSpent, OffsetLost) as error:
        log.critical("service.needs_mending", detail=str(error))
        _say(name, error)
        return NEEDS_MENDING
    except (Retryable, OSError) as error:
        log.critical("service.failed", detail=str(error))
        return 1
    return 0


def _say(name: str, error: Exception) -> None:
    with contextlib.suppress(OSError):  # on a full disk the status still tells
        print(f"deskstream {name}: {error}", file=sys.stderr)


async def _run(name: str, work: Work, ops_host: str, ops_port: int) -> None:
    stop, health = asyncio.Event(), Health()
    loop = asyncio.get_running_loop()
    for signum in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(signum, stop.set)
    async with serving(ops_app(health), ops_host, ops_port) as port:
        facts: dict[str, Any] = {"name": name, "pid": os.getpid(), "ops": f"http://{ops_host}:{port}"}

        def announce(**more: Any) -> None:  # noqa: ANN401  # what is announced is written as JSON
            facts.update(more)
            if path := os.environ.get(RUN_FILE):
                write_atomically(Path(path), json.dumps(facts).encode())

        announce()
        collect_rarely()
        await work(stop, health, announce)


def collect_rarely() -> None:
    """What lives from here on is mostly short-lived values: scan the long-lived ones no more."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 20)


def loop_factory() -> Callable[[], asyncio.AbstractEventLoop] | None:
    """uvloop's, where it is installed."""
    try:
        import uvloop
    except ImportError:
        return None
    return uvloop.new_event_loop
