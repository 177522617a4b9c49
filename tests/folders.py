"""Folders for the data of servers."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psutil

_MEMORY = Path("/dev/shm")
_PLENTY = 6 * 1024**3
"""Bytes that must be free. Servers write 1.5 GB in a session, in tens of thousands of files: on some disks removing
them takes more than a minute."""


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """A new folder, removed when left; in memory where there is plenty of it.

    It lies outside pytest's own: another session's start closes that to the account that PostgreSQL runs as.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"deskstream-{name}-", dir=_MEMORY if _there_is_plenty() else None))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _there_is_plenty() -> bool:
    if not _MEMORY.is_dir():
        return False
    return min(shutil.disk_usage(_MEMORY).free, psutil.virtual_memory().available) > _PLENTY
