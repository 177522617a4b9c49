"""The composition of a rebuild, with its progress bar."""

import sys

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from bus.database import database_url
from bus.settings import Settings
from metrics_worker import calendar_store
from metrics_worker.cluster import describe
from metrics_worker.database import engine as engine_of
from metrics_worker.reading_ranges import Ranges
from metrics_worker.rebuild.rebuilding import Places, Rebuilding, Rebuilt
from metrics_worker.service import NAMES
from metrics_worker.snapshot import Names


async def rebuilt(
    settings: Settings,
    *,
    names: Names = NAMES,
    present_calendars: bool = False,
    processes: int | None = None,
    quiet: bool = True,
) -> Rebuilt:
    """Rebuild the figures. Raises Retryable and ConfigError with nothing changed."""
    cluster = await describe(settings.kafka, (names.events, names.contacts))
    engine = engine_of(database_url(settings))
    ranges = Ranges(settings.kafka, cluster.partitions)
    with _bar(quiet=quiet) as bar:
        task = bar.add_task("reading events", total=None)
        try:
            await ranges.start()
            async with engine.begin() as connection:
                calendars = await calendar_store.read(connection, settings.desk.calendar)
            if present_calendars:
                calendars = calendar_store.present(calendars)
            rebuilding = Rebuilding(
                engine,
                ranges,
                names,
                calendars,
                Places(settings.kafka, database_url(settings)),
                processes=processes,
                report=lambda done, total: bar.update(task, completed=done, total=max(done, total)),
            )
            return await rebuilding.run(present_calendars=present_calendars)
        finally:
            await ranges.stop()
            await engine.dispose()


def _bar(*, quiet: bool) -> Progress:
    columns = (TextColumn("{task.description}"), BarColumn(), TextColumn("{task.completed:,}"), TimeRemainingColumn())
    return Progress(*columns, console=Console(file=sys.stderr), disable=quiet or not sys.stderr.isatty())
