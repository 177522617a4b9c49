"""What the door accepts, and what it then puts on the topic."""

import asyncio
import smtplib
from pathlib import Path

import pytest

from bus.message import INLINE_RAW_BYTES
from bus.model import BlobRef
from bus.raw import Inline
from tests.ingest.receiving import DESK, NAME, Client, Rig


async def test_a_mail_by_the_standard_librarys_client(rig: Rig) -> None:
    mail = b"From: c@customer.example\r\nSubject: caf\xc3\xa9\r\n\r\n.a dot\r\n..two\r\nend\r\n"

    def deliver() -> None:
        with smtplib.SMTP("127.0.0.1", rig.port, timeout=10) as client:
            client.sendmail("c@customer.example", [DESK], mail)

    await asyncio.to_thread(deliver)
    (raw,) = rig.mails
    assert isinstance(raw.payload, Inline)
    assert raw.payload.base64 == mail
    assert (raw.channel, raw.account, raw.media_type) == ("email", NAME, "message/rfc822")
    assert (raw.envelope_from, raw.envelope_to, raw.own_addresses) == ("c@customer.example", [DESK], [DESK])
    assert raw.remote == "127.0.0.1"


async def test_headers_and_key_of_the_record(rig: Rig) -> None:
    async with Client(rig.port) as client:
        reply = await client.mails()
    (record,) = rig.records
    assert reply == f"250 2.0.0 {record.partition}-{record.offset} accepted"
    assert record.key == "c@customer.example"
    assert record.headers["ce_type"] == b"raw.v1"
    assert record.headers["ce_source"] == f"/connectors/{NAME}".encode()
    assert record.headers["traceparent"].startswith(b"00-")


async def test_many_mails_in_one_session(rig: Rig) -> None:
    async with Client(rig.port) as client:
        for n in range(60):
            assert (await client.mails(b"n: %d\r\n" % n)).startswith("250")
    payloads = [raw.payload.base64 for raw in rig.mails if isinstance(raw.payload, Inline)]
    assert payloads == [b"n: %d\r\n" % n for n in range(60)]


@pytest.mark.parametrize(
    "address", [DESK, "SUPPORT@Desk.Example", "support+t.abc-DEF_9@desk.example", "support+@desk.example"]
)
async def test_our_addresses_and_their_plus_forms(rig: Rig, address: str) -> None:
    async with Client(rig.port) as client:
        await client.begins(to=address)
        await client.send(b".\r\n")
        assert (await client.reply()).startswith("250")
    assert rig.mails[0].envelope_to == [address]


@pytest.mark.parametrize(
    "address", ["sales@desk.example", "support@other.example", "support@desk.example.evil.example", "+x@desk.example"]
)
async def test_other_addresses_are_550_and_the_session_goes_on(rig: Rig, address: str) -> None:
    async with Client(rig.port) as client:
        await client.says("MAIL FROM:<c@customer.example>")
        assert (await client.says(f"RCPT TO:<{address}>")).startswith("550 5.1.1")
        assert (await client.says("DATA")).startswith("503")
        await client.says("RSET")
        assert (await client.mails()).startswith("250")


async def test_several_recipients_make_one_record(rig: Rig) -> None:
    async with Client(rig.port) as client:
        await client.says("MAIL FROM:<c@customer.example>")
        for to in (DESK, "support+a@desk.example", "nobody@desk.example", DESK):
            await client.says(f"RCPT TO:<{to}>")
        await client.says("DATA")
        assert (await client.says("hi\r\n.")).startswith("250")
    (raw,) = rig.mails
    assert raw.envelope_to == [DESK, "support+a@desk.example"]


async def test_the_null_sender(rig: Rig) -> None:
    async with Client(rig.port) as client:
        await client.begins(sender="")
        assert (await client.says(".")).startswith("250")
    assert rig.mails[0].envelope_from == ""
    assert rig.records[0].key == ""


async def test_addresses_that_no_regex_knows_are_read_by_the_library(rig: Rig) -> None:
    async with Client(rig.port) as client:
        assert (await client.says('MAIL FROM:<"a b"@customer.example> SIZE=10 BODY=8BITMIME')).startswith("250")
        assert (await client.says(f"RCPT TO: <{DESK}>")).startswith("250")
        await client.says("DATA")
        await client.says(".")
    assert rig.mails[0].envelope_from == '"a b"@customer.example'


@pytest.mark.parametrize(
    "line",
    [
        b"MAIL FROM:<a\x01b@c.example>",
        b"MAIL FROM:<a\xff@c.example> SMTPUTF8",
        b"MAIL FROM:" + b"(" * 480,
    ],
)
async def test_addresses_that_cannot_be_are_refused_for_good(rig: Rig, line: bytes) -> None:
    async with Client(rig.port) as client:
        assert (await client.says(line)).startswith("5")
        assert (await client.mails()).startswith("250")


async def test_utf8_addresses(rig: Rig) -> None:
    async with Client(rig.port) as client:
        assert "SMTPUTF8" in await client.says("EHLO x")
        assert (await client.says("MAIL FROM:<jürgen@müller.example> SMTPUTF8 BODY=8BITMIME")).startswith("250")
        await client.says(f"RCPT TO:<{DESK}>")
        await client.says("DATA")
        await client.says("Subject: ü\r\n.")
    assert rig.mails[0].envelope_from == "jürgen@müller.example"


async def test_ehlo_names_what_it_can(rig: Rig) -> None:
    async with Client(rig.port) as client:
        said = await client.says("EHLO x")
    assert "8BITMIME" in said
    assert f"SIZE {rig.settings.max_message_bytes}" in said
    assert "STARTTLS" not in said
    assert "AUTH" not in said


async def test_bytes_come_as_they_were_sent(rig: Rig) -> None:
    mail = b"Subject: odd\r\n\r\n" + b"x" * 300_000 + b"\r\nbare\nLF bare\rCR \x00 \xff\r\n"
    async with Client(rig.port) as client:
        assert (await client.mails(mail)).startswith("250")
    (raw,) = rig.mails
    assert isinstance(raw.payload, BlobRef)
    assert raw.payload.size == len(mail) > INLINE_RAW_BYTES
    assert await rig.place.blobs.get(raw.payload.blob) == mail
    assert len(rig.records[0].value or b"") < 2_000


async def test_what_follows_the_data_belongs_to_the_next_command(rig: Rig) -> None:
    async with Client(rig.port) as client:
        await client.begins()
        await client.send(b"one\r\n.\r\nMAIL FROM:<d@customer.example>\r\nRCPT TO:<" + DESK.encode() + b">\r\nDATA\r\n")
        assert [(await client.reply())[:3] for _ in range(4)] == ["250", "250", "250", "354"]
        await client.send(b"two\r\n.\r\n")
        assert (await client.reply()).startswith("250")
    assert sorted(raw.envelope_from or "" for raw in rig.mails) == ["c@customer.example", "d@customer.example"]


async def test_data_sent_together_with_its_command(rig: Rig) -> None:
    async with Client(rig.port) as client:
        await client.says("MAIL FROM:<c@customer.example>")
        await client.says(f"RCPT TO:<{DESK}>")
        await client.send(b"DATA\r\nearly\r\n.\r\nNOOP\r\n")
        assert [(await client.reply())[:3] for _ in range(3)] == ["354", "250", "250"]
    payload = rig.mails[0].payload
    assert isinstance(payload, Inline)
    assert payload.base64 == b"early\r\n"


@pytest.mark.parametrize("end", [b"\n.\n", b"\n.\r\n", b"\r.\r", b"\r\n.\n", b"\r\n.\r"])
async def test_nothing_is_smuggled_in(rig: Rig, end: bytes) -> None:
    inner = b"MAIL FROM:<evil@x.example>\r\nRCPT TO:<" + DESK.encode() + b">\r\nDATA\r\nsmuggled\r\n"
    async with Client(rig.port) as client:
        assert (await client.mails(b"outer" + end + inner)).startswith("250")
        assert (await client.says("NOOP")).startswith("250")
    (raw,) = rig.mails
    assert raw.envelope_from == "c@customer.example"
    assert isinstance(raw.payload, Inline)
    assert raw.payload.base64 == (b"outer" + end + inner).replace(b"\r\n.", b"\r\n")


async def test_authentication_results_are_believed_from_trusted_networks_only(tmp_path: Path) -> None:
    async with Rig(tmp_path, authserv_id="mx.desk.example", trusted_networks=["127.0.0.0/8"]).running() as trusted:
        async with Client(trusted.port) as client:
            await client.mails()
        assert trusted.mails[0].authserv_id == "mx.desk.example"
    async with Rig(tmp_path, authserv_id="mx.desk.example", trusted_networks=["10.0.0.0/8"]).running() as strange:
        async with Client(strange.port) as client:
            await client.mails()
        assert strange.mails[0].authserv_id is None
