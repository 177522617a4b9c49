"""A Kafka node of a test's own, where the session's cannot serve: other listeners, other addresses."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

from deploy.embedded import jars, kafka, ports
from deploy.supervise.child import Command, finished, spawn, stop

Change = Callable[[Mapping[str, str]], Mapping[str, str]]


@asynccontextmanager
async def kafka_node(
    folder: Path, change: Change, format_options: Sequence[str] = (), *, port: int = 0
) -> AsyncIterator[int]:
    """The port of a node with changed settings, ended when left. `format_options`: of its storage tool."""
    class_path = await asyncio.to_thread(lambda: jars.class_path(jars.pins("kafka")))
    chosen, controller = ports.take(2)
    port = port or chosen
    properties = kafka._write(folder / "server.properties", change(kafka.settings(port, controller, folder / "data")))
    java = kafka._java(class_path)
    tool = (*java, "kafka.tools.StorageTool", "format", "-t", kafka.CLUSTER_ID, "-c", properties, *format_options)
    await finished(Command(tool, cwd=folder), folder / "format.log")
    command = Command((*java, "kafka.Kafka", properties), cwd=folder)
    process = spawn(command, folder / "out")
    try:
        deadline = time.monotonic() + 60
        while not await _serves(port):
            assert process.poll() is None, (folder / "out").read_text()[-3_000:]
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)
        yield port
    finally:
        await stop(process, command.stop_signal, 5.0)


async def _serves(port: int) -> bool:
    try:
        _, writer = await asyncio.open_connection("127.0.0.1", port)
    except OSError:
        return False
    writer.close()
    return await kafka.ready(f"127.0.0.1:{port}")
