"""A bucket as a blob store, on a real S3 server that is not ours (SeaweedFS)."""

import asyncio
import uuid
from collections.abc import Iterator

import obstore
import pytest

from bus.blobs import BlobStore, blob_name, open_blobs
from bus.errors import ConfigError, Invalid, Retryable
from bus.s3_blobs import S3Blobs, s3_blobs
from tests.bus.s3_server import SECRET, S3Server, s3_server
from tests.contracts.blob_contract import BlobContract
from tests.folders import own_folder


@pytest.fixture(scope="module")
def server() -> Iterator[S3Server]:
    with own_folder("s3") as folder, s3_server(folder) as server:
        yield server


@pytest.fixture
def prefix() -> str:
    return f"s3://desk/{uuid.uuid4().hex}"


@pytest.fixture
def store(server: S3Server, prefix: str) -> BlobStore:
    return open_blobs(server.settings(prefix))


class TestS3Blobs(BlobContract):
    pass


async def test_an_altered_blob_is_refused(server: S3Server, prefix: str) -> None:
    store = s3_blobs(server.settings(prefix))
    name = await store.put(b"as it was")
    await obstore.put_async(store._store, name, b"as it is ")
    with pytest.raises(Invalid, match="altered"):
        await store.get(name)


async def test_a_large_blob_comes_back_whole(store: BlobStore) -> None:
    data = bytes(range(256)) * 60_000  # 15 MB: sent in parts
    assert await store.get(await store.put(data)) == data


async def test_what_is_no_blob_below_the_prefix_is_not_listed(server: S3Server, prefix: str) -> None:
    store = s3_blobs(server.settings(prefix))
    name = await store.put(b"a blob")
    await obstore.put_async(store._store, "sha256/notes.txt", b"no blob")
    await s3_blobs(server.settings(f"{prefix}-other")).put(b"of another desk")
    assert [found async for found in store.names()] == [name]


async def test_wrong_credentials_are_an_auth_error_and_are_not_shown(server: S3Server, prefix: str) -> None:
    store = open_blobs(server.settings(prefix, secret_access_key="wrong-secret"))
    for asked in (store.put(b"x"), store.get(blob_name(b"x")), store.delete(blob_name(b"x"))):
        with pytest.raises(Retryable) as caught:
            await asked
        assert caught.value.kind == "auth"
        assert "secret" not in str(caught.value)


async def test_a_bucket_that_is_not_there_is_no_missing_blob(server: S3Server) -> None:
    """Else every record with a blob would be parked because of one wrong letter in the configuration."""
    store = open_blobs(server.settings("s3://dsek"))
    with pytest.raises(Retryable):
        await store.get(blob_name(b"x"))


async def test_a_store_that_is_away_is_retryable_within_an_smtp_clients_patience(server: S3Server) -> None:
    store = open_blobs(server.settings(endpoint="http://127.0.0.1:1"))
    async with asyncio.timeout(20):
        with pytest.raises(Retryable, match="cannot be reached"):
            await store.put(b"x")


async def test_the_environments_credentials_serve_a_bare_url(
    server: S3Server, prefix: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "desk-key")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    settings = server.settings(prefix).model_copy(update={"access_key_id": None, "secret_access_key": None})
    store = open_blobs(settings)
    assert await store.get(await store.put(b"x")) == b"x"


@pytest.mark.parametrize("url", ["s3://", "s3:bucket", "s3://desk/x?versionId=1"])
def test_a_url_that_names_no_bucket_names_the_setting(url: str) -> None:
    with pytest.raises(ConfigError, match=r"\[blobs\] url"):
        open_blobs(url)


def test_secrets_are_shown_by_nothing(server: S3Server) -> None:
    settings = server.settings()
    assert SECRET not in repr(settings) + str(settings) + repr(s3_blobs(settings)._store)
    assert isinstance(open_blobs(settings), S3Blobs)
