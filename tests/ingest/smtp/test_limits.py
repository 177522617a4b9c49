"""Limits of size, sessions and time, and settings that cannot work."""

import asyncio
import socket
import ssl
from pathlib import Path

import pytest

from bus.errors import ConfigError
from bus.validated import validated
from ingest.smtp.settings import EmailSmtpSettings
from tests.certificates import NAME, Certificates
from tests.ingest.receiving import DESK, Client, Rig


async def test_a_declared_size_above_the_limit_is_552_at_mail_from(tmp_path: Path) -> None:
    async with Rig(tmp_path, max_message_bytes=2_000).running() as rig, Client(rig.port) as client:
        assert (await client.says("MAIL FROM:<c@customer.example> SIZE=2001")).startswith("552")
        assert (await client.says("MAIL FROM:<c@customer.example> SIZE=2000")).startswith("250")


async def test_a_mail_above_the_limit_is_552_at_its_end_and_the_session_goes_on(tmp_path: Path) -> None:
    async with Rig(tmp_path, max_message_bytes=2_000).running() as rig, Client(rig.port) as client:
        assert (await client.mails(b"x" * 1_998 + b"\r\n")).startswith("250")
        assert (await client.mails(b"x" * 1_999 + b"\r\n")).startswith("552 5.3.4")
        assert (await client.mails(b"ten more\r\n" * 100_000)).startswith("552 5.3.4")
        assert (await client.mails()).startswith("250")
    assert len(rig.mails) == 2


async def test_lines_far_longer_than_a_thousand_bytes(rig: Rig) -> None:
    async with Client(rig.port) as client:
        assert (await client.mails(b"y" * 200_000 + b"\r\n")).startswith("250")
    assert len(rig.mails) == 1


async def test_too_many_sessions_from_one_address_are_421(tmp_path: Path) -> None:
    async with Rig(tmp_path, max_sessions_per_address=2).running() as rig:
        async with Client(rig.port), Client(rig.port), Client(rig.port) as third:
            assert third.greeting.startswith("421 4.7.0")
        for _ in range(100):
            async with Client(rig.port) as client:
                if client.greeting.startswith("220"):
                    break
            await asyncio.sleep(0.01)
        async with Client(rig.port) as client:
            assert (await client.mails()).startswith("250")


async def test_too_many_sessions_in_all_are_421(tmp_path: Path) -> None:
    async with Rig(tmp_path, max_sessions=1).running() as rig, Client(rig.port), Client(rig.port) as second:
        assert second.greeting.startswith("421 4.3.2")


async def test_twenty_sessions_at_a_time_are_admitted(rig: Rig) -> None:
    async def session() -> None:
        async with Client(rig.port) as client:
            for _ in range(5):
                assert (await client.mails()).startswith("250")

    await asyncio.gather(*(session() for _ in range(20)))
    assert len(rig.mails) == 100


async def test_silence_ends_a_session(tmp_path: Path) -> None:
    async with Rig(tmp_path, timeouts={"command": 0.2}).running() as rig, Client(rig.port) as client:
        assert (await client.reply()).startswith("421 4.4.2")
        assert await client.reader.read() == b""


async def test_a_mail_that_never_ends_is_given_up(tmp_path: Path) -> None:
    async with Rig(tmp_path, timeouts={"data": 0.3}).running() as rig, Client(rig.port) as client:
        await client.begins()
        answer = asyncio.create_task(client.reply())
        for _ in range(100):
            client.writer.write(b"slow\r\n")
            if (await asyncio.wait({answer}, timeout=0.05))[0]:
                break
        assert (await answer).startswith("421")
    assert rig.mails == []


async def test_too_many_recipients_are_452(tmp_path: Path) -> None:
    async with Rig(tmp_path, max_recipients=2).running() as rig, Client(rig.port) as client:
        await client.says("MAIL FROM:<c@customer.example>")
        replies = [await client.says(f"RCPT TO:<support+{n}@desk.example>") for n in range(3)]
    assert [reply[:3] for reply in replies] == ["250", "250", "452"]


async def test_a_port_in_use_is_named(rig: Rig, tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=rf"\[connectors.support-mail\] port: {rig.port} on 127.0.0.1 is in use"):
        async with Rig(tmp_path, port=rig.port).running():
            pass


async def test_an_address_that_is_not_ours_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"cannot listen on 192\.0\.2\.1"):
        async with Rig(tmp_path, host="192.0.2.1").running():
            pass


def test_a_missing_certificate_is_named(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"tls_cert_file: there is no file .*nowhere\.pem"):
        Rig(tmp_path, tls_cert_file=str(tmp_path / "nowhere.pem"))
    junk = tmp_path / "junk.pem"
    junk.write_text("this is no certificate")
    with pytest.raises(ConfigError, match=r"junk\.pem: cannot be used"):
        Rig(tmp_path, tls_cert_file=str(junk))


@pytest.mark.parametrize(
    ("table", "complaint"),
    [
        ({}, "addresses: Field required"),
        ({"addresses": []}, "addresses"),
        ({"addresses": ["support"]}, "is no address"),
        ({"addresses": [DESK], "prot": 25}, "unknown key prot; did you mean port?"),
        ({"addresses": [DESK], "require_starttls": True}, "require_starttls needs tls_cert_file"),
        ({"addresses": [DESK], "timeouts": {"emitt": 3}}, "unknown key timeouts.emitt; did you mean emit?"),
    ],
)
def test_settings_that_cannot_work_are_named_in_one_line(table: dict[str, object], complaint: str) -> None:
    with pytest.raises(ConfigError, match=r"^\[connectors.x\]") as caught:
        validated(EmailSmtpSettings, table, "[connectors.x]")
    assert complaint in str(caught.value)
    assert "\n" not in str(caught.value)


async def test_starttls_and_nothing_of_before_is_believed(tmp_path: Path, certificates: Certificates) -> None:
    files = {"tls_cert_file": str(certificates.chain), "tls_key_file": str(certificates.key)}
    settings = {**files, "require_starttls": True}
    async with Rig(tmp_path, **settings).running() as rig, Client(rig.port) as client:
        assert "STARTTLS" in await client.says("EHLO x")
        assert (await client.says("MAIL FROM:<c@customer.example>")).startswith("530")
        # a command that travels with STARTTLS in clear must not be taken for one that came protected
        await client.send(b"STARTTLS\r\nRSET\r\n")
        assert (await client.reply()).startswith("220")
        context = ssl.create_default_context(cafile=str(certificates.authority))
        await client.writer.start_tls(context, server_hostname=NAME)
        said = await client.says("EHLO x")
        assert said.startswith("250")
        assert "STARTTLS" not in said
        assert "AUTH" not in said
        assert (await client.mails(b"secret\r\n" * 20_000)).startswith("250")
    assert len(rig.mails) == 1


async def test_half_a_socket_does_not_harm_the_next(rig: Rig) -> None:
    with socket.create_connection(("127.0.0.1", rig.port)) as sock:
        sock.shutdown(socket.SHUT_WR)
        await asyncio.sleep(0.05)
    async with Client(rig.port) as client:
        assert (await client.mails()).startswith("250")
