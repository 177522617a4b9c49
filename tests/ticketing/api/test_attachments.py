"""Files on a ticket: listed, streamed, in parts, and never anything but a file to a browser."""

import asyncio
import hashlib
import secrets
from pathlib import Path

import httpx
import pytest

from bus.blobs import FolderBlobs
from bus.message import Attachment
from tests.ticketing.api.house import House, changing, key
from tests.ticketing.mails import mail
from ticketing.api.attachment_ids import attachment_id, disposition, media_type, shown_name
from ticketing.api.blob_answer import Altered
from ticketing.api.byte_ranges import asked_span
from ticketing.api.problems import Refused

stack = pytest.mark.stack


async def _file(house: House, data: bytes, name: str = "photo.jpg", media: str = "image/jpeg") -> Attachment:
    blob = await house.inside.blobs.put(data)
    digest = blob.removeprefix("sha256/")
    return Attachment(name=name, media_type=media, size=len(data), sha256=digest, blob=blob, content_id="photo@mail")


@stack
async def test_files_of_messages_and_acts_are_listed_and_streamed(house: House) -> None:
    data = secrets.token_bytes(700_000)
    ticket = await house.ticket("files", attachments=[await _file(house, data)])
    async with house.client() as agent:
        handed_in = await agent.post(
            "/uploads",
            params={"name": "manual.pdf"},
            content=b"%PDF",
            headers=key() | {"Content-Type": "application/pdf"},
        )
        assert handed_in.status_code == 201, handed_in.text
        noted = await agent.post(
            f"/tickets/{ticket.number}/comment",
            json={"text": "See the manual.", "attachments": [handed_in.json()]},
            headers=changing(ticket),
        )
        assert noted.status_code == 200, noted.text
        files = (await agent.get(f"/tickets/{ticket.number}/attachments")).json()["items"]
        assert [(file["name"], file["came_with"], file["size"]) for file in files] == [
            ("photo.jpg", "message", 700_000),
            ("manual.pdf", "comment", 4),
        ]
        got = await agent.get(files[0]["url"].removeprefix("/api/v1"))
        assert got.content == data
        assert got.headers["content-length"] == "700000"
        assert got.headers["content-type"] == "image/jpeg"
        assert got.headers["etag"] == f'"{hashlib.sha256(data).hexdigest()}"'
        assert got.headers["content-disposition"].startswith('attachment; filename="photo.jpg"')
        assert got.headers["x-content-type-options"] == "nosniff"
        assert "sandbox" in got.headers["content-security-policy"]
        assert (await agent.get(files[1]["url"].removeprefix("/api/v1"))).content == b"%PDF"


@stack
async def test_a_part_is_what_was_asked_for(house: House) -> None:
    data = bytes(range(256)) * 10
    ticket = await house.ticket("parts", attachments=[await _file(house, data)])
    async with house.client() as agent:
        [file] = (await agent.get(f"/tickets/{ticket.number}/attachments")).json()["items"]
        url = file["url"].removeprefix("/api/v1")

        async def part(value: str, **more: str) -> httpx.Response:
            return await agent.get(url, headers={"Range": value, **more})

        middle = await part("bytes=10-19")
        assert (middle.status_code, middle.content) == (206, data[10:20])
        assert middle.headers["content-range"] == "bytes 10-19/2560"
        assert (await part("bytes=2550-")).content == data[2550:]
        assert (await part("bytes=-5")).content == data[-5:]
        assert (await part("bytes=0-99999")).content == data
        behind = await part("bytes=2560-")
        assert (behind.status_code, behind.headers["content-range"]) == (416, "bytes */2560")
        assert (await part("bytes=0-1,3-4")).status_code == 200
        assert (await part("bytes=0-1", **{"If-Range": '"other"'})).status_code == 200
        assert (await agent.get(url, headers={"If-None-Match": middle.headers["etag"]})).status_code == 304


@stack
async def test_an_altered_file_breaks_off_before_its_end(house: House) -> None:
    data = b"a" * 300_000
    attachment = await _file(house, data)
    ticket = await house.ticket("altered", attachments=[attachment])
    assert isinstance(house.inside.blobs, FolderBlobs)
    path: Path = house.inside.blobs._path(attachment.blob or "")
    await asyncio.to_thread(path.write_bytes, b"b" + data[1:])
    async with house.client() as agent:
        [file] = (await agent.get(f"/tickets/{ticket.number}/attachments")).json()["items"]
        url = file["url"].removeprefix("/api/v1")
        with pytest.raises(Altered):  # a server breaks the connection off; here it comes through
            await agent.get(url)
        await house.inside.blobs.delete(attachment.blob or "")
        assert (await agent.get(url)).status_code == 404


@stack
async def test_html_shows_the_messages_own_images_and_no_others(house: House) -> None:
    html = '<p>Look:</p><img src="cid:photo@mail"><img src="https://tracker.example/p.gif"><script>x()</script>'
    picture = await _file(house, b"picture")
    ticket = await house.ticket("pictures", html=html, attachments=[picture])
    async with house.client() as agent:
        page = (await agent.get(f"/tickets/{ticket.number}/conversation")).json()
        message = next(entry for entry in page["items"] if entry["kind"] == "message")
        shown = (await agent.get(message["html_url"].removeprefix("/api/v1"))).json()
    assert shown == {"html": f'<p>Look:</p><img src="{message["attachments"][0]["url"]}"><img>', "remote_images": 1}


@stack
async def test_a_long_text_lies_in_the_blob_store_and_is_found_all_the_same(house: House) -> None:
    text = "needle " + "hay " * 50_000
    blob = await house.inside.blobs.put(text.encode())
    long = {"blob": blob, "size": len(text)}
    message = mail("long", sender="long@customer.example").model_dump(mode="json") | {"text": long, "reply_text": long}
    await house.file(type(mail("long")).model_validate(message))
    async with house.client() as agent:
        [ticket] = (await agent.get("/tickets", params={"text": "needle"})).json()["items"]
        page = (await agent.get(f"/tickets/{ticket['number']}/conversation")).json()
        entry = next(entry for entry in page["items"] if entry["kind"] == "message")
        assert entry["text"] is None
        assert (await agent.get(entry["text_url"].removeprefix("/api/v1"))).json() == {"text": text}


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\Users\\x\\a.txt", "a.txt"),
        ("a\r\nSet-Cookie: x", "aSet-Cookie: x"),
        ("invoice\u202efdp.exe", "invoicefdp.exe"),
        ("..", "attachment"),
        ("見積書.pdf", "見積書.pdf"),
    ],
)
def test_a_name_is_a_name_and_no_path(name: str, shown: str) -> None:
    assert shown_name(name) == shown
    header = disposition(name)
    assert header.isascii()
    assert "\r" not in header
    assert "\n" not in header


@pytest.mark.parametrize("text", ["text/html; charset=x", "TEXT/HTML", "text/html\r\nX: y", "x", "a/b c", ""])
def test_a_media_type_is_one(text: str) -> None:
    assert media_type(text) in ("text/html", "application/octet-stream")


@pytest.mark.parametrize(
    "text", ["../../x", "message-../x-0", "message-zz-0", "sha256/00", "file-00-99999", "reply-00", "message-00-0\n"]
)
def test_what_is_no_attachments_name_is_none(text: str) -> None:
    assert attachment_id(text) is None


def test_ranges() -> None:
    assert asked_span(None, 10) is None
    assert asked_span("bytes=5-4", 10) is None
    assert asked_span("lines=1-2", 10) is None
    assert asked_span("bytes=-", 10) is None
    assert asked_span("bytes=-20", 10) == (0, 10)
    for header in ("bytes=10-", "bytes=-0"):
        with pytest.raises(Refused):
            asked_span(header, 10)
