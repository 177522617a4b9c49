"""`python -m deploy.embedded --data DIR`: Kafka and PostgreSQL alone, in the foreground, for development and tests."""

import argparse
import asyncio
import json
import signal
import sys
from pathlib import Path

from rich.console import Console

from deploy.embedded import jars
from deploy.embedded.fetching import fetched_class_path
from deploy.embedded.parts import KAFKA, POSTGRES, embedded_kafka, embedded_postgres
from deploy.supervise.folder import FolderHeld, clear_leftovers, hold, record_children
from deploy.supervise.supervisor import PartFailed, Supervisor


def main() -> int:
    """Keep both running, print one JSON line with their addresses, stop both at a signal."""
    parser = argparse.ArgumentParser(prog="python -m deploy.embedded", description=__doc__)
    parser.add_argument("--data", type=Path, required=True, help="folder that keeps the data of both")
    folder: Path = parser.parse_args().data.resolve()
    try:
        with hold(folder):
            asyncio.run(keep_both(folder))
    except (FolderHeld, PartFailed, jars.JarError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    return 0


async def keep_both(folder: Path) -> None:
    """Run until SIGINT or SIGTERM. Raises PartFailed or JarError when one cannot be started."""
    loop, stopped = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stopped.set)
    clear_leftovers(folder)
    class_path = await fetched_class_path(jars.pins("kafka"), Console(stderr=True), "Apache Kafka")
    kafka, postgres = embedded_kafka(folder, class_path), embedded_postgres(folder)

    def changed() -> None:
        record_children(folder, supervisor.pids)

    supervisor = Supervisor(folder / "logs", changed)
    try:
        for part in (postgres.part(), kafka.part()):
            supervisor.keep(part)
        await asyncio.gather(supervisor.serving(POSTGRES), supervisor.serving(KAFKA))
        sys.stdout.write(json.dumps({"kafka": kafka.address, "database": postgres.url}) + "\n")
        sys.stdout.flush()
        await stopped.wait()
    finally:
        await supervisor.stop((KAFKA, POSTGRES), grace=5.0)


if __name__ == "__main__":
    sys.exit(main())
