"""Folders for the data of servers."""

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path


@contextmanager
def own_folder(name: str) -> Iterator[Path]:
    """A new folder, removed when left.

    It lies outside pytest's own: another session's start closes that to the account that PostgreSQL runs as.
    """
    folder = Path(tempfile.mkdtemp(prefix=f"deskstream-{name}-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)
