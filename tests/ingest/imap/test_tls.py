"""A server that cannot prove its name hears no password."""

import ssl
from pathlib import Path

import pytest

from tests.certificates import Certificates
from tests.ingest.imap.mailbox_rig import Rig, mail, until
from tests.ingest.imap.scripted_server import ScriptedImap


def server_tls(certificates: Certificates) -> ssl.SSLContext:
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(certificates.chain, certificates.key)
    return context


async def test_mail_is_read_under_tls(certificates: Certificates, tmp_path: Path) -> None:
    server = ScriptedImap()
    server.add(mail(1))
    async with (
        server.serving(ssl=server_tls(certificates)) as port,
        Rig(tmp_path, port, security="tls", ca_file=certificates.authority).running() as rig,
    ):
        await until(lambda: len(rig.mails) == 1)
        await until(lambda: "IDLE" in server.said)
        server.add(mail(2))
        await until(lambda: len(rig.mails) == 2)


@pytest.mark.parametrize(
    ("host", "trusted"), [("127.0.0.1", False), ("127.0.0.2", True)], ids=["unknown authority", "another name"]
)
async def test_who_cannot_prove_his_name_hears_no_password(
    certificates: Certificates, tmp_path: Path, host: str, trusted: bool
) -> None:
    server = ScriptedImap()
    ca = {"ca_file": certificates.authority} if trusted else {}
    async with (
        server.serving(ssl=server_tls(certificates)) as port,
        Rig(tmp_path, port, security="tls", host=host, **ca).running() as rig,
    ):
        await until(lambda: bool(rig.place.source.problems))
        problem = rig.place.source.problems["receive"]
        if not trusted:
            assert problem.kind == "contract"
            assert "certificate cannot be verified" in str(problem)
    assert (server.logins, server.said) == ([], [])


async def test_starttls_must_be_offered(certificates: Certificates, tmp_path: Path) -> None:
    server = ScriptedImap()
    async with (
        server.serving() as port,
        Rig(tmp_path, port, security="starttls", ca_file=certificates.authority).running() as rig,
    ):
        await until(lambda: bool(rig.place.source.problems))
        assert rig.place.source.problems["receive"].kind == "contract"
    assert server.logins == []
