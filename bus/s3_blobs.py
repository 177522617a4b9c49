"""Blobs in a bucket of an S3-compatible object store."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import timedelta
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

import obstore
from obstore.exceptions import BaseError, NotFoundError, PermissionDeniedError, UnauthenticatedError
from obstore.store import S3Store

from bus.blob_name import blob_name, checked_name, is_blob_name
from bus.blob_settings import BlobSettings
from bus.errors import ConfigError, Invalid, Retryable

if TYPE_CHECKING:
    from obstore.store import S3Config

_AT_ONCE = 8
_CONNECT, _REQUEST, _RETRIES = timedelta(seconds=5), timedelta(seconds=60), timedelta(seconds=12)
"""Trying again ends before an SMTP client's patience (20 s) does."""


_MISSING = (NotFoundError, FileNotFoundError)
_FAILURES = (BaseError, OSError)
"""The library raises Python's own where there is one."""


class S3Blobs:
    """BlobStore (bus.blobs) in a bucket: objects named as their blobs, below the prefix. What is answered lasts."""

    def __init__(self, store: S3Store, bucket: str) -> None:
        self._store = store
        self._bucket = bucket

    async def put(self, data: bytes) -> str:
        """See BlobStore. The store checks the bytes against their digest."""
        name = blob_name(data)
        try:
            if not await self._has(name, len(data)):
                await obstore.put_async(self._store, name, data)
        except _FAILURES as error:
            raise self._retryable(error) from None
        return name

    async def put_derived(self, blobs: Sequence[bytes]) -> Sequence[str]:
        """See BlobStore."""
        limit = asyncio.Semaphore(_AT_ONCE)

        async def one(data: bytes) -> str:
            async with limit:
                return await self.put(data)

        found = {blob_name(data): data for data in blobs}
        await asyncio.gather(*map(one, found.values()))
        return [blob_name(data) for data in blobs]

    async def get(self, name: str) -> bytes:
        """See BlobStore."""
        checked_name(name)
        try:
            data = bytes(await (await obstore.get_async(self._store, name)).bytes_async())
        except _FAILURES as error:
            raise self._of(name, error) from None
        if blob_name(data) != name:
            raise Invalid(f"the blob {name} has been altered")
        return data

    async def size(self, name: str) -> int:
        """See BlobStore."""
        checked_name(name)
        try:
            try:
                return (await obstore.head_async(self._store, name))["size"]
            except _MISSING:  # HEAD does not say whether it is the blob or the bucket
                return (await obstore.get_async(self._store, name)).meta["size"]
        except _FAILURES as error:
            raise self._of(name, error) from None

    async def part(self, name: str, start: int, length: int) -> bytes:
        """See BlobStore."""
        end = min(start + length, await self.size(name))
        if end <= start:  # the store calls such a range an error
            return b""
        try:
            return bytes(await obstore.get_range_async(self._store, name, start=start, end=end))
        except _FAILURES as error:
            raise self._of(name, error) from None

    async def delete(self, name: str) -> None:
        """See BlobStore."""
        checked_name(name)
        try:
            await obstore.delete_async(self._store, name)
        except _MISSING as error:
            if "NoSuchBucket" in str(error):
                raise self._retryable(error) from None
        except _FAILURES as error:
            raise self._retryable(error) from None

    async def names(self) -> AsyncIterator[str]:
        """See BlobStore."""
        try:
            async for chunk in obstore.list(self._store, "sha256"):
                for item in chunk:
                    if is_blob_name(item["path"]):
                        yield item["path"]
        except _FAILURES as error:
            raise self._retryable(error) from None

    async def _has(self, name: str, size: int) -> bool:
        try:
            return (await obstore.head_async(self._store, name))["size"] == size
        except _MISSING:
            return False

    def _of(self, name: str, error: Exception) -> Retryable | Invalid:
        if isinstance(error, _MISSING) and "NoSuchBucket" not in str(error):
            return Invalid(f"the blob {name} is missing")
        return self._retryable(error)

    def _retryable(self, error: Exception) -> Retryable:
        """Without the library's text, which quotes requests: addresses, and of signed ones the signature."""
        text = str(error)
        if (
            isinstance(error, UnauthenticatedError | PermissionDeniedError | PermissionError)
            or "credential" in text.lower()
        ):
            return Retryable(f"the bucket {self._bucket} refuses our credentials", kind="auth")
        if "NoSuchBucket" in text:
            return Retryable(f"there is no bucket {self._bucket}", kind="contract")
        return Retryable(f"the bucket {self._bucket} cannot be reached ({type(error).__name__})")


def s3_blobs(settings: BlobSettings) -> S3Blobs:
    """The store at `settings.url` (`s3://bucket/prefix`). Connects to nothing. Raises ConfigError."""
    parts = urlsplit(settings.url or "")
    if not parts.netloc or parts.query or parts.fragment:
        raise ConfigError(
            f"[blobs] url: cannot use {settings.url!r}; give a bucket as s3://bucket or s3://bucket/prefix"
        )
    config: S3Config = {
        "region": settings.region,
        "virtual_hosted_style_request": settings.virtual_hosted,
        "checksum_algorithm": "SHA256",
    }
    if settings.access_key_id and settings.secret_access_key:
        config["access_key_id"] = settings.access_key_id
        config["secret_access_key"] = settings.secret_access_key.get_secret_value()
    if settings.endpoint:
        config["endpoint"] = settings.endpoint
    try:
        store = S3Store(
            parts.netloc,
            prefix=parts.path.strip("/") or None,
            config=config,
            client_options={
                "allow_http": bool(settings.endpoint and settings.endpoint.startswith("http://")),
                "connect_timeout": _CONNECT,
                "timeout": _REQUEST,
            },
            retry_config={"max_retries": 4, "retry_timeout": _RETRIES},
        )
    except _FAILURES as error:
        raise ConfigError(f"[blobs]: cannot be used ({type(error).__name__})") from None
    return S3Blobs(store, parts.netloc)
