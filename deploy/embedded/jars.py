"""The Java archives: pinned by coordinate and sha256, fetched once, used from the cache afterwards."""

import hashlib
import os
import shutil
import tempfile
import tomllib
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from pathlib import Path

PINS = Path(__file__).with_name("jars.toml")

Advance = Callable[[str, int, int], None]
"""Called with a jar's file name, the bytes that just arrived and the jar's size."""


class JarError(Exception):
    """The class path cannot be trusted or completed. The text names the file and says what to do."""


@dataclass(frozen=True, slots=True)
class Pin:
    """One archive of the class path."""

    file: str
    coordinate: str  # group:artifact:version
    sha256: str


def pins(group: str, file: Path = PINS) -> tuple[Pin, ...]:
    """The archives of one group of the pin file (`kafka`, `test`)."""
    table = tomllib.loads(file.read_text("utf-8"))[group]
    return tuple(Pin(name, row["coordinate"], row["sha256"]) for name, row in sorted(table.items()))


def cache_folder() -> Path:
    """Where fetched archives are kept: `DESKSTREAM_CACHE`, else the user's cache folder."""
    if chosen := os.environ.get("DESKSTREAM_CACHE"):
        return Path(chosen)
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "deskstream"


def class_path(wanted: Sequence[Pin], advance: Advance | None = None) -> str:
    """A class path of exactly these archives, each with the pinned sum; missing ones are fetched.

    No network is touched when all are there. Raises JarError naming the file that differs or cannot be had.
    """
    folder = cache_folder() / "jars"
    folder.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda pin: _check(folder, pin), wanted))
        missing = missing_of(wanted)
        if missing:
            with tempfile.TemporaryDirectory(dir=folder.parent, prefix="fetch-") as staging:
                list(pool.map(lambda pin: _fetch(folder, Path(staging), pin, advance), missing))
    return os.pathsep.join(str(folder / pin.file) for pin in wanted)


def missing_of(wanted: Sequence[Pin]) -> tuple[Pin, ...]:
    """Those that would have to be fetched."""
    return tuple(pin for pin in wanted if not (cache_folder() / "jars" / pin.file).exists())


def sha256_of(file: Path) -> str:
    """Hexadecimal sha256 of a file's content."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _check(folder: Path, pin: Pin) -> None:
    file = folder / pin.file
    if file.exists() and (found := sha256_of(file)) != pin.sha256:
        raise JarError(
            f"{file} is not the pinned archive (sha256 {found}, expected {pin.sha256}): delete it and start again"
        )


def _fetch(folder: Path, staging: Path, pin: Pin, advance: Advance | None) -> None:
    from jgo.maven import MavenContext, PythonResolver

    # A staging repository of its own: an interrupted download must never be taken for an archive later.
    context = MavenContext(
        repo_cache=staging, resolver=PythonResolver(progress_callback=_reporting(advance)), timeout=60
    )
    group, artifact, version = pin.coordinate.split(":")
    try:
        fetched = context.project(group, artifact).at_version(version).artifact().resolve()
    except (OSError, RuntimeError) as error:
        reason = type(error).__name__
        raise JarError(
            f"{pin.file} ({pin.coordinate}) cannot be fetched ({reason}): check the network, or copy it into {folder}"
        ) from error
    found = sha256_of(fetched)
    if found != pin.sha256:
        raise JarError(
            f"{pin.file} as fetched is not the pinned archive (sha256 {found}, expected {pin.sha256}): "
            "something between here and the repository changes it"
        )
    shutil.move(fetched, folder / pin.file)


def _reporting(
    advance: Advance | None,
) -> Callable[[str, int], AbstractContextManager[Callable[[int], None]]] | None:
    if advance is None:
        return None

    @contextmanager
    def progress(file: str, size: int) -> Iterator[Callable[[int], None]]:
        yield lambda count: advance(file, count, size)

    return progress
