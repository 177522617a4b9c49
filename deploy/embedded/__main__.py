"""`python -m deploy.embedded --data DIR`: Kafka and PostgreSQL alone, in the foreground, for development and tests."""

import argparse
import asyncio
import json
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from deploy.embedded import jars, kafka, ports, postgres
from deploy.supervise.child import Command, spawn, stop_all

PATIENCE = 60.0  # seconds until a server that is not ready is given up


def main() -> int:
    """Start both, print one JSON line with their addresses, stop both at a signal. Exit 1 when one ends by itself."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the data of both")
    chosen = parser.parse_args()
    ended = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: ended.set())
    folder: Path = chosen.data.resolve()
    running: list[tuple[subprocess.Popen[bytes], Command]] = []
    try:
        class_path = jars.class_path(jars.pins("kafka"))
        port, controller_port, database_port = ports.take(3)
        commands = {
            "postgres": postgres.command(folder / "postgres", database_port),
            "kafka": kafka.command(folder / "kafka", port, controller_port, class_path),
        }
        running += [(spawn(it, folder / "logs" / f"{name}.log"), it) for name, it in commands.items()]
        addresses = {"kafka": f"{kafka.HOST}:{port}", "database": postgres.url(folder / "postgres", database_port)}
        asyncio.run(until(lambda: postgres.ready(addresses["database"]), running))
        asyncio.run(until(lambda: kafka.ready(addresses["kafka"]), running))
        sys.stdout.write(json.dumps(addresses) + "\n")
        sys.stdout.flush()
        while not ended.wait(0.2):
            if any(process.poll() is not None for process, _ in running):
                return 1
    except (jars.JarError, TimeoutError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        stop_all(running, grace=8)
    return 0


async def until(ready: Callable[[], Awaitable[bool]], running: list[tuple[subprocess.Popen[bytes], Command]]) -> None:
    """Wait until `ready`; TimeoutError when a process ended or patience did."""
    deadline = time.monotonic() + PATIENCE
    while not await ready():
        if time.monotonic() > deadline or any(process.poll() is not None for process, _ in running):
            raise TimeoutError("the embedded stack did not start: see its logs folder")
        await asyncio.sleep(0.05)


if __name__ == "__main__":
    sys.exit(main())
