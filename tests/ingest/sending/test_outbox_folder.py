"""The outbox folder: one whole file per reply, however often it is sent."""

import asyncio
import threading
from pathlib import Path

import pytest

from bus.blobs import FolderBlobs
from bus.errors import Retryable
from ingest.mail_message import compose
from ingest.outbox_folder import OutboxFolder
from tests.ingest.sending.replies import a_reply

OWN = "support@desk.example"


def folder(tmp_path: Path) -> OutboxFolder:
    return OutboxFolder(tmp_path / "outbox", OWN, FolderBlobs(tmp_path / "blobs"))


def files_in(tmp_path: Path) -> list[Path]:
    return [path for path in tmp_path.rglob("*") if path.is_file()]


async def test_a_reply_is_one_file_however_often_it_is_sent(tmp_path: Path) -> None:
    reply = a_reply()
    outbox = folder(tmp_path)
    assert outbox.idempotent
    for _ in range(2):
        assert await outbox.send(reply) == reply.message_id
    (path,) = (tmp_path / "outbox").iterdir()
    assert path.name == "r1.eml"
    assert path.read_bytes() == compose(reply, OWN).content
    assert path.stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("reply_id", ["../../etc/x", "/abs", ".hidden", "", "a\0b", "x" * 300, "日本"])
async def test_no_reply_id_leaves_the_folder(reply_id: str, tmp_path: Path) -> None:
    await folder(tmp_path).send(a_reply(reply_id=reply_id))
    assert [(path.parent.name, len(path.stem)) for path in files_in(tmp_path)] == [("outbox", 64)]


async def test_readers_never_see_half_a_file(tmp_path: Path) -> None:
    reply = a_reply(text="line\n" * 100_000)
    whole = len(compose(reply, OWN).content)
    outbox, stop, sizes = folder(tmp_path), threading.Event(), set()
    await outbox.send(reply)

    def watch() -> None:
        path = tmp_path / "outbox" / "r1.eml"
        while not stop.is_set():
            sizes.add(path.stat().st_size)

    watching = asyncio.create_task(asyncio.to_thread(watch))
    for _ in range(8):
        await outbox.send(reply)
        await asyncio.sleep(0)
    stop.set()
    await watching
    assert sizes == {whole}


async def test_a_folder_that_cannot_be_written_defers(tmp_path: Path) -> None:
    (tmp_path / "outbox").write_text("not a folder")
    with pytest.raises(Retryable, match="outbox"):
        await folder(tmp_path).send(a_reply())
