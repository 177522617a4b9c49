"""The folder as a blob store."""

import os
import stat
from pathlib import Path

import pytest

from bus.blobs import BlobStore, FolderBlobs, blob_name, open_blobs
from bus.errors import ConfigError, Invalid, Retryable
from tests.contracts.blob_contract import BlobContract


@pytest.fixture
def store(tmp_path: Path) -> BlobStore:
    return open_blobs((tmp_path / "with space").as_uri())


class TestFolderBlobs(BlobContract):
    pass


async def test_an_altered_blob_is_refused(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path)
    name = await store.put(b"as it was")
    digest = name.removeprefix("sha256/")
    (tmp_path / "sha256" / digest[:2] / digest[2:]).write_bytes(b"as it is ")
    with pytest.raises(Invalid, match="altered"):
        await store.get(name)


async def test_the_name_is_given_only_after_file_and_folder_are_on_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[str] = []
    fsync, replace = os.fsync, Path.replace

    def seen_fsync(descriptor: int) -> None:
        steps.append("folder" if stat.S_ISDIR(os.fstat(descriptor).st_mode) else "file")
        fsync(descriptor)

    def seen_replace(path: Path, target: Path) -> Path:
        steps.append("rename")
        return replace(path, target)

    monkeypatch.setattr(os, "fsync", seen_fsync)
    monkeypatch.setattr(Path, "replace", seen_replace)
    store = FolderBlobs(tmp_path)
    await store.put(b"x")
    assert steps[-3:] == ["file", "rename", "folder"]
    steps.clear()
    await store.put(b"x")  # whoever renamed it may have died before anything was synced
    assert steps == ["file", "folder"]


async def test_a_half_written_blob_is_no_blob(tmp_path: Path) -> None:
    store = FolderBlobs(tmp_path)
    name = await store.put(b"whole")
    digest = name.removeprefix("sha256/")
    (tmp_path / "sha256" / digest[:2] / f".{digest[2:]}.0011").write_bytes(b"who")
    assert [found async for found in store.names()] == [name]


async def test_a_store_that_cannot_be_written_is_retryable(tmp_path: Path) -> None:
    (tmp_path / "sha256").write_text("a file where the folder should be")
    with pytest.raises(Retryable):
        await FolderBlobs(tmp_path).put(b"x")


def test_an_unknown_url_names_the_setting() -> None:
    with pytest.raises(ConfigError, match=r"\[blobs\] url"):
        open_blobs("ftp://blobs.example/x")


def test_names_are_digests() -> None:
    assert blob_name(b"") == "sha256/e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
