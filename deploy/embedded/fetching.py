"""Fetch what the class path lacks, with a progress bar."""

import asyncio
import threading
from collections.abc import Sequence

from rich.console import Console
from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TransferSpeedColumn

from deploy.embedded import jars


async def fetched_class_path(wanted: Sequence[jars.Pin], console: Console, what: str) -> str:
    """`jars.class_path`, showing a bar while archives are fetched and nothing when all are there.

    Cancelled, it gives up what it has begun to fetch. Raises JarError.
    """
    abandoned = threading.Event()
    try:
        return await asyncio.to_thread(_fetched, wanted, console, what, abandoned)
    finally:
        abandoned.set()


def _fetched(wanted: Sequence[jars.Pin], console: Console, what: str, abandoned: threading.Event) -> str:
    missing = jars.missing_of(wanted)
    if not missing:
        return jars.class_path(wanted)
    columns = (TextColumn("{task.description}"), BarColumn(), DownloadColumn(), TransferSpeedColumn())
    sizes: dict[str, int] = {}
    with Progress(*columns, console=console) as bar:
        task = bar.add_task(f"Fetching {what} ({len(missing)} files, once)", total=None)

        def advance(file: str, count: int, size: int) -> None:
            if abandoned.is_set():
                raise jars.JarError(f"fetching {file} was given up")
            sizes[file] = size
            # The whole is only known once every file has begun; a total that grows would run backwards.
            bar.update(task, advance=count, total=sum(sizes.values()) if len(sizes) == len(missing) else None)

        return jars.class_path(wanted, advance)
