"""The ways out of each connector, as the contract sees them: its sender, and a peer that takes, refuses, hangs up."""

import re
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path
from typing import Any

from bus.blobs import FolderBlobs
from bus.health import Health
from bus.reply import Reply
from ingest.connectors.email_imap import EMAIL_IMAP
from ingest.connectors.email_smtp import EMAIL_SMTP
from ingest.contract import Connector, Place, Sender
from tests.contracts.connector_contract import SendingTrial
from tests.contracts.trials import NAME
from tests.ingest.memory_cursors import MemoryCursors
from tests.ingest.receiving import DESK
from tests.ingest.sending.replies import a_reply
from tests.ingest.sending.scripted_server import CUT, ScriptedServer, scripted
from tests.providers.cases import CASES, Case
from tests.providers.rig import Rig
from tests.providers.serving import Fault


class MailTrial:
    """By SMTP. A mail that comes again has the same Message-ID, by which mailboxes and people know it."""

    name = NAME

    def __init__(self, row: Connector[Any], server: ScriptedServer, folder: Path, settings: Mapping[str, Any]) -> None:
        self.row = row
        self._server = server
        smtp = {"default": {"host": "127.0.0.1", "port": server.port, "security": "none"}}
        self._settings = row.settings.model_validate({"type": row.name, "addresses": [DESK], "smtp": smtp, **settings})
        self._place = Place(NAME, folder, FolderBlobs(folder / "blobs"), MemoryCursors(), Health(), lambda **_: None)

    def sender(self) -> Sender:
        assert self.row.sender
        return self.row.sender(self._settings, self._place)

    def reply(self, text: str, **given: Any) -> Reply:  # noqa: ANN401  # any field of a reply
        fields: dict[str, Any] = {"account": NAME, "purpose": "reply", "automatic": False, "text": text}
        return a_reply(**(fields | given))

    def busy(self) -> None:
        self._server.once["RCPT"] = b"451 4.7.1 too many at once, come back"

    def refuse(self) -> None:
        self._server.once["RCPT"] = b"550 5.1.1 nobody of that name"

    def cut(self) -> None:
        self._server.once["."] = CUT

    def arrived(self) -> Sequence[str]:
        seen: dict[str, str] = {}
        for mail in self._server.mails:
            head, _, body = mail.decode().partition("\r\n\r\n")
            (id_,) = re.findall(r"^Message-ID: (.*)$", head, re.MULTILINE | re.IGNORECASE)
            seen[id_] = body.removesuffix(".\r\n").strip()
        return list(seen.values())


class PostTrial:
    """By a public provider's API."""

    name = NAME

    def __init__(self, case: Case, folder: Path) -> None:
        self.row = case.row
        self._case = case
        self._rig = Rig(case.row, case.settings(), folder, name=NAME)
        self._thread = case.thread()

    def sender(self) -> Sender:
        return self._rig.sender()

    def reply(self, text: str, **given: Any) -> Reply:  # noqa: ANN401  # any field of a reply
        return self._rig.reply(text, **(self._thread | given))

    def busy(self) -> None:
        self._fault(*self._case.busy)

    def refuse(self) -> None:
        self._fault(*self._case.refusal)

    def cut(self) -> None:
        self._case.faulty.faults.append(Fault("POST /", how="cut"))

    def arrived(self) -> Sequence[str]:
        return self._case.arrived()

    def _fault(self, status: int, body: bytes) -> None:
        self._case.faulty.faults.append(Fault("POST /", status, body, {"content-type": "application/json"}))


def _mail(row: Connector[Any], **settings: Any) -> "Ready":  # noqa: ANN401  # the row's settings
    @asynccontextmanager
    async def ready(folder: Path) -> AsyncIterator[SendingTrial]:
        async with scripted() as server:
            yield MailTrial(row, server, folder, settings)

    return ready


def _posts(name: str) -> "Ready":
    @asynccontextmanager
    async def ready(folder: Path) -> AsyncIterator[SendingTrial]:
        with CASES[name]() as case:
            yield PostTrial(case, folder)

    return ready


Ready = Callable[[Path], AbstractAsyncContextManager[SendingTrial]]
SENDING: Mapping[str, Ready] = {
    "email-smtp": _mail(EMAIL_SMTP, port=0),
    "email-imap": _mail(EMAIL_IMAP, host="127.0.0.1", security="none", username=DESK, password="geheim"),
    **{name: _posts(name) for name in CASES if name != "phone"},
}
"""Connectors that answer by themselves; the others answer through one of these (`reply_via`)."""
