"""`deskstream up`: the whole stack on one machine, kept running until it is told to stop."""

import asyncio
import contextlib
import logging
import os
import shutil
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeVar

from aiokafka.errors import KafkaError
from rich.console import Console

from bus.endpoints import Endpoints, Process, write_endpoints
from bus.errors import ConfigError, Retryable
from bus.settings import Settings, load_settings
from bus.topics import create_topics, topics
from bus.whole_file import write_atomically
from deploy.embedded import jars
from deploy.embedded.fetching import fetched_class_path
from deploy.embedded.parts import KAFKA, POSTGRES, embedded_kafka, embedded_postgres
from deploy.services import (
    Place,
    api_environment,
    intake_environment,
    migration,
    services,
    smtp_environment,
)
from deploy.starter_config import ensure_config
from deploy.supervise.child import ToolFailed, finished
from deploy.supervise.folder import FolderHeld, clear_leftovers, hold, record_children
from deploy.supervise.part import service_part
from deploy.supervise.supervisor import PartFailed, Supervisor
from ticketing.api_client import TOKEN_FILE
from ticketing.database import engine as engine_of
from ticketing.people.first_admin import first_admin

SERVICE_GRACE, SERVER_GRACE = 4.5, 4.0
"""Seconds to end in order, for services and then for Kafka and PostgreSQL; together less than ten."""

Visit = Callable[[Endpoints, Settings], Awaitable[int]]
"""What `--demo` does once all serve, before the line `Ready`; returns an exit status."""
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class UpOptions:
    """The command line of `up`. Ports: None as configured, 0 a free one. `emptied`: clear `data`
    first."""

    data: Path
    config: Path | None = None
    kafka: str | None = None
    database: str | None = None
    port: int | None = None
    smtp_port: int | None = None
    intake_port: int | None = None
    once: bool = False
    emptied: bool = False


def up(options: UpOptions, console: Console, visit: Visit | None = None) -> int:
    """Run until SIGINT, SIGTERM or SIGHUP, or with `once` until `visit` is done.

    0 stopped (or what `visit` returned), 1 something could not start, 2 misconfigured; the last line says why.
    """
    logging.getLogger("aiokafka").addHandler(logging.NullHandler())  # what matters of it is told in our words
    folder = options.data.resolve()
    try:
        with hold(folder):
            clear_leftovers(folder)
            if options.emptied:
                _empty(folder)
            return asyncio.run(Up(folder, options, console).run(visit))
    except ConfigError as error:
        _complain(console, error)
        return 2
    except (FolderHeld, PartFailed, ToolFailed, Retryable, jars.JarError, OSError) as error:
        _complain(console, error)
        return 1


class Up:
    """One run of the stack on a data folder this process holds."""

    def __init__(self, folder: Path, options: UpOptions, console: Console) -> None:
        self._folder, self._options, self._console = folder, options, console
        self._supervisor = Supervisor(folder / "logs", self._publish, lambda error: _complain(console, error))
        self._kafka: str | None = None
        self._database: str | None = None
        self._complete = False

    async def run(self, visit: Visit | None) -> int:
        """Start all, visit, wait for a signal, stop all."""
        stopped = asyncio.Event()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            asyncio.get_running_loop().add_signal_handler(number, stopped.set)
        try:
            status = await _unless(stopped, self._start(visit))
            if status is not None and not self._options.once:
                await stopped.wait()
            return status or 0
        finally:
            self._complete = False
            with contextlib.suppress(OSError):  # on a full disk all must stop all the same
                self._publish()
            self._console.print("Stopping …")
            every = tuple(self._supervisor.parts)
            await self._supervisor.stop([name for name in every if name not in {KAFKA, POSTGRES}], SERVICE_GRACE)
            await self._supervisor.stop((KAFKA, POSTGRES), SERVER_GRACE)

    def endpoints(self) -> Endpoints:
        """Where everything can be reached now."""
        parts = self._supervisor.parts
        said: dict[str, str] = {}
        for kept in parts.values():
            said |= kept.known.more if kept.known else {}
        return Endpoints(
            kafka=self._kafka,
            database=self._database,
            smtp=said.get("smtp"),
            api=said.get("api"),
            intake=said.get("intake"),
            pid=os.getpid(),
            processes=tuple(
                Process(name=name, pid=kept.process.pid, ops=kept.note.ops if kept.note else None)
                for name, kept in parts.items()
                if kept.process
            ),
            ready=self._complete and all(kept.note for kept in parts.values()),
        )

    async def _start(self, visit: Visit | None) -> int:
        self._publish()
        options = self._options
        config = ensure_config(self._folder, options.config)
        settings = load_settings(data=self._folder, config=config, kafka=options.kafka, database=options.database)
        doors = smtp_environment(settings, options.smtp_port) | intake_environment(settings, options.intake_port)
        doors |= api_environment(settings, options.port)
        kafka, database = await _both(self._with_topics(settings, config), self._with_tables(settings, config))
        settings = load_settings(data=self._folder, config=config, kafka=kafka, database=database)
        place = Place(self._folder, config, kafka, database)
        rows = services(settings, place, doors, tuple(self._supervisor.parts))
        for service in rows:
            self._supervisor.keep(service_part(service, self._folder))
        for service in rows:
            await self._supervisor.serving(service.name)
            self._started(service.name)
        self._complete = True
        self._publish()
        status = await visit(self.endpoints(), settings) if visit else 0
        self._show_addresses()
        return status

    async def _with_topics(self, settings: Settings, config: Path) -> str:
        """The address of Kafka, the configured or an embedded one, once it has every topic."""
        if "servers" in settings.kafka.model_fields_set:
            self._kafka = settings.kafka.servers
        else:
            class_path = await fetched_class_path(jars.pins("kafka"), self._console, "Apache Kafka")
            embedded = embedded_kafka(self._folder, class_path)
            self._supervisor.keep(embedded.part())
            await self._supervisor.serving(KAFKA)
            self._kafka = embedded.address
            self._started(KAFKA)
        there = load_settings(data=self._folder, config=config, kafka=self._kafka).kafka
        durable = there.durability == "fsync"
        try:
            new = await create_topics(there, topics(), durable=durable, replication=there.replication)
        except KafkaError as error:
            raise PartFailed(f"Kafka at {there.servers} does not answer ({type(error).__name__})") from None
        self._started("topics", f"{len(new)} created" if new else "all there")
        return self._kafka

    async def _with_tables(self, settings: Settings, config: Path) -> str:
        """The URL of PostgreSQL, the configured or an embedded one, once its tables are today's."""
        if settings.database.url:
            self._database = settings.database.url.get_secret_value()
        else:
            embedded = embedded_postgres(self._folder)
            self._supervisor.keep(embedded.part())
            await self._supervisor.serving(POSTGRES)
            self._database = embedded.url
            self._started(POSTGRES)
        await finished(migration(self._folder, config, self._database), self._folder / "logs" / "db-upgrade.log")
        self._started("tables", "up to date")
        await self._with_somebody(self._database)
        return self._database

    async def _with_somebody(self, database: str) -> None:
        """A first admin when there is nobody yet; the token is shown once, and kept for commands on this machine."""
        engine = engine_of(database)
        try:
            made = await first_admin(engine, datetime.now(UTC))
        finally:
            await engine.dispose()
        if made is not None:
            write_atomically(self._folder / TOKEN_FILE, made.token.encode())
            self._started("admin", f"the first one's token, shown this once: {made.token}")

    def _publish(self) -> None:
        write_endpoints(self._folder, self.endpoints())
        record_children(self._folder, self._supervisor.pids)

    def _started(self, name: str, remark: str = "serves") -> None:
        self._console.print(f"  [green]✓[/] {name:<11} {remark}", highlight=False)

    def _show_addresses(self) -> None:
        known = self.endpoints()
        _, _, database = (known.database or "").rpartition("@")  # what stands before is a password
        rows = {"mail in": known.smtp, "kafka": known.kafka, "database": database}
        rows |= {"agents": known.api, "intake": known.intake, "data": str(self._folder)}
        for name, address in rows.items():
            if address:
                self._console.print(f"  {name:<10} {address}", markup=False, highlight=False, soft_wrap=True)
        self._console.print(f"Ready: {len(known.processes)} processes; Ctrl-C stops them.", highlight=False)
        if not self._options.once:
            self._console.print("Try, in another terminal:")
            for command in ("tickets list", "metrics show desk", "verify"):
                line = f"  {sys.argv[0]} {command} --data {self._folder}"
                self._console.print(line, markup=False, soft_wrap=True, highlight=False)


async def _unless(stopped: asyncio.Event, work: Coroutine[object, object, T]) -> T | None:
    """What `work` returns; None, with `work` cancelled, when it is stopped before."""
    task, stop = asyncio.create_task(work), asyncio.create_task(stopped.wait())
    await asyncio.wait({task, stop}, return_when=asyncio.FIRST_COMPLETED)
    stop.cancel()
    if task.done():
        return task.result()
    task.cancel()
    await asyncio.wait({task})
    return None


async def _both(one: Coroutine[object, object, T], other: Coroutine[object, object, T]) -> tuple[T, T]:
    """What both return; when one fails the other is cancelled and over before the error is raised."""
    tasks = asyncio.create_task(one), asyncio.create_task(other)
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.wait(tasks)


def _empty(folder: Path) -> None:
    entries = [entry for entry in folder.iterdir() if entry.name != "up.pid"]  # that one is held by this process
    if entries and not (folder / "endpoints.json").exists():
        raise ConfigError(f"{folder} is not empty and not a data folder of Deskstream: choose another --data")
    for entry in entries:
        if entry.is_dir() and not entry.is_symlink():
            shutil.rmtree(entry)
        else:
            entry.unlink()


def _complain(console: Console, error: Exception) -> None:
    console.print(f"deskstream up: {error}", style="red", markup=False, highlight=False, soft_wrap=True)
