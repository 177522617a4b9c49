"""Where bytes lie that are too large for a topic: named by their own sha256, written once, never changed."""

import asyncio
import os
import secrets
from collections.abc import AsyncIterator, Sequence
from pathlib import Path
from typing import Protocol
from urllib.parse import unquote, urlsplit

from bus.blob_name import blob_name, checked_name, is_blob_name
from bus.blob_settings import BlobSettings
from bus.errors import ConfigError, Invalid, Retryable

__all__ = ["BlobStore", "FolderBlobs", "blob_name", "open_blobs"]


class BlobStore(Protocol):
    """A few functions, so that a folder and an object store can stand for each other.

    `put` MUST return the blob's name (`sha256/<hex>`) only once the bytes survive a crash of this machine's
    processes and of the machine; putting the same bytes again is harmless and cheap. `put_derived` is for bytes
    that can be made again from a raw record: they MUST survive the processes, and need not survive the machine.
    `get` MUST return exactly the bytes that were put: it raises Invalid when there is no such blob or when it has
    been altered. `size` is how many bytes there are, `part` some of them, unchecked; both raise Invalid when there is
    no such blob. `delete` of what is not there is harmless. `names` yields every blob there is, in no order,
    without a half-written one. All raise Retryable when the store cannot be reached.
    """

    async def put(self, data: bytes) -> str: ...

    async def put_derived(self, blobs: Sequence[bytes]) -> Sequence[str]: ...

    async def get(self, name: str) -> bytes: ...

    async def size(self, name: str) -> int: ...

    async def part(self, name: str, start: int, length: int) -> bytes: ...

    async def delete(self, name: str) -> None: ...

    def names(self) -> AsyncIterator[str]: ...


class FolderBlobs:
    """BlobStore in a folder: `sha256/ab/cdef…`, fsynced file and folder before the name is returned."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    async def put(self, data: bytes) -> str:
        """See BlobStore."""
        try:
            return await asyncio.to_thread(self._put, data)
        except OSError as error:
            raise Retryable(f"the blob store: {error.strerror}") from error

    async def put_derived(self, blobs: Sequence[bytes]) -> Sequence[str]:
        """See BlobStore. One hop to a thread for all of them, and no waiting for the disk."""
        try:
            return await asyncio.to_thread(lambda: [self._put(data, durable=False) for data in blobs])
        except OSError as error:
            raise Retryable(f"the blob store: {error.strerror}") from error

    async def get(self, name: str) -> bytes:
        """See BlobStore."""
        path = self._path(name)
        try:
            data = await asyncio.to_thread(path.read_bytes)
        except FileNotFoundError:
            raise Invalid(f"the blob {name} is missing") from None
        except OSError as error:
            raise Retryable(f"the blob store: {error.strerror}") from error
        if blob_name(data) != name:
            raise Invalid(f"the blob {name} has been altered")
        return data

    async def size(self, name: str) -> int:
        """See BlobStore."""
        path = self._path(name)
        try:
            return (await asyncio.to_thread(path.stat)).st_size
        except FileNotFoundError:
            raise Invalid(f"the blob {name} is missing") from None
        except OSError as error:
            raise Retryable(f"the blob store: {error.strerror}") from error

    async def part(self, name: str, start: int, length: int) -> bytes:
        """See BlobStore."""
        path = self._path(name)
        try:
            return await asyncio.to_thread(_slice, path, start, length)
        except FileNotFoundError:
            raise Invalid(f"the blob {name} is missing") from None
        except OSError as error:
            raise Retryable(f"the blob store: {error.strerror}") from error

    async def delete(self, name: str) -> None:
        """See BlobStore."""
        path = self._path(name)
        try:
            await asyncio.to_thread(path.unlink, missing_ok=True)
        except OSError as error:
            raise Retryable(f"the blob store: {error.strerror}") from error

    async def names(self) -> AsyncIterator[str]:
        """See BlobStore."""
        for path in await asyncio.to_thread(lambda: sorted(self._folder.glob("sha256/??/*"))):
            name = f"sha256/{path.parent.name}{path.name}"
            if is_blob_name(name):
                yield name

    def _path(self, name: str) -> Path:
        digest = checked_name(name).removeprefix("sha256/")
        return self._folder / "sha256" / digest[:2] / digest[2:]

    def _put(self, data: bytes, *, durable: bool = True) -> str:
        name = blob_name(data)
        path = self._path(name)
        if path.exists() and path.stat().st_size == len(data):
            if durable:
                _sync(path)  # whoever wrote it may have died, or not cared, before this
                _sync(path.parent)
            return name
        _make(path.parent)
        fresh = path.with_name(f".{path.name}.{secrets.token_hex(8)}")
        try:
            descriptor = os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as file:
                file.write(data)
                file.flush()
                if durable:
                    os.fsync(descriptor)
            fresh.replace(path)
        except BaseException:
            fresh.unlink(missing_ok=True)
            raise
        if durable:
            _sync(path.parent)
        return name


def _slice(path: Path, start: int, length: int) -> bytes:
    with path.open("rb") as file:
        file.seek(start)
        return file.read(length)


def _make(folder: Path) -> None:
    """Make the folder and let each parent remember it."""
    if folder.is_dir():
        return
    _make(folder.parent)
    folder.mkdir(mode=0o700, exist_ok=True)
    _sync(folder.parent)


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def open_blobs(where: BlobSettings | str) -> BlobStore:
    """The store at `file:///…` or `s3://…`; a bare URL has the environment's credentials. Raises ConfigError."""
    settings = BlobSettings(url=where) if isinstance(where, str) else where
    parts = urlsplit(settings.url or "")
    if parts.scheme == "file" and parts.netloc in ("", "localhost") and parts.path:
        return FolderBlobs(Path(unquote(parts.path)))
    if parts.scheme == "s3":
        from bus.s3_blobs import s3_blobs  # the library is loaded where it is used

        return s3_blobs(settings)
    raise ConfigError(f"[blobs] url: cannot use {settings.url!r}; give file:///folder or s3://bucket/prefix")
