"""What the door decides about a mail: its sender, its recipients, and when it may say `250`."""

import asyncio
from datetime import UTC, datetime
from typing import Protocol

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from bus.errors import Invalid, Retryable
from bus.failpoints import failpoint
from bus.raw import Inline, RawMessage
from ingest.contract import Emit
from ingest.smtp.admission import OwnAddresses, Sessions
from ingest.smtp.settings import EmailSmtpSettings
from ingest.trusted_networks import TrustedNetworks

log = structlog.get_logger()

LATER = "451 4.3.0 The mail could not be stored now, please send it again later"
CLOSING = "421 4.3.2 Closing for a while, please come back"
_MOST_BYTES_IN_MEMORY = 512 * 1024 * 1024


class OpenSession(Protocol):
    """What the door asks of a session."""

    emitting: bool

    def turn_away(self) -> None: ...


class Door:
    """Handler of aiosmtpd and keeper of what its sessions share."""

    def __init__(self, name: str, settings: EmailSmtpSettings, emit: Emit) -> None:
        self.sessions = Sessions(settings.max_sessions, settings.max_sessions_per_address)
        self.bytes_in_memory = 0
        self.closing = False
        self.open: set[OpenSession] = set()
        self._name = name
        self._settings = settings
        self._emit = emit
        self._own = OwnAddresses(settings.addresses)
        self._trusted = TrustedNetworks(settings.trusted_networks)
        self._under_way: set[asyncio.Task[object]] = set()

    async def handle_EHLO(  # noqa: N802  # aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,
        envelope: Envelope,  # noqa: ARG002
        hostname: str,
        responses: list[str],
    ) -> list[str]:
        """Name what we can do; nobody logs in here, so no line of AUTH without a way to."""
        session.host_name = hostname
        return [line for line in responses if not line[4:].startswith("AUTH")]

    async def handle_MAIL(  # noqa: N802  # aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,  # noqa: ARG002
        envelope: Envelope,
        address: str,
        options: list[str],
    ) -> str:
        """Take any return path that can be written down."""
        if self.closing:
            return CLOSING
        if not _writable(address):
            return "553 5.1.7 The sender's address has characters that no address has"
        envelope.mail_from = address
        envelope.mail_options.extend(options)
        return "250 2.1.0 OK"

    async def handle_RCPT(  # noqa: N802  # aiosmtpd's name
        self,
        server: SMTP,  # noqa: ARG002
        session: Session,
        envelope: Envelope,
        address: str,
        options: list[str],  # noqa: ARG002
    ) -> str:
        """Take our own addresses only: this is no relay."""
        if address not in self._own or not _writable(address):
            log.info("smtp.recipient_refused", connector=self._name, remote=remote_of(session))
            return "550 5.1.1 No such mailbox here"
        if len(envelope.rcpt_tos) >= self._settings.max_recipients:
            return "452 4.5.3 Too many recipients"
        if address not in envelope.rcpt_tos:
            envelope.rcpt_tos.append(address)
        return "250 2.1.5 OK"

    async def handle_exception(self, error: Exception) -> str:
        """A fault of ours is temporary for the sender."""
        log.error("smtp.unexpected", connector=self._name, exc_info=error)
        return LATER

    def has_room_for(self, size: int) -> bool:
        """Whether that many bytes more may be held in memory."""
        return self.bytes_in_memory + size <= _MOST_BYTES_IN_MEMORY

    async def take(self, session: Session, envelope: Envelope, content: bytes) -> str:
        """Emit the mail and give the reply to the final dot. The client's hanging up does not stop the emission."""
        remote = remote_of(session)
        sender = envelope.mail_from
        raw = RawMessage.model_construct(
            channel="email",
            account=self._name,
            received_at=datetime.now(UTC),
            payload=Inline.model_construct(base64=content),
            envelope_from="" if sender is None or sender == "<>" else sender,
            envelope_to=envelope.rcpt_tos,
            own_addresses=self._own.plain,
            authserv_id=self._settings.authserv_id if remote in self._trusted else None,
            remote=remote,
        )
        try:
            failpoint("receive.before_emit")
            emission = asyncio.ensure_future(self._emit(raw))
            self._under_way.add(emission)
            emission.add_done_callback(self._ended)
            async with asyncio.timeout(self._settings.timeouts.emit):
                (position,) = await asyncio.shield(emission)
            failpoint("receive.after_emit")
        except (Retryable, TimeoutError) as error:
            log.warning("smtp.not_accepted", connector=self._name, detail=str(error) or "no acknowledgement in time")
            return LATER
        except Invalid as error:
            log.warning("smtp.refused", connector=self._name, detail=str(error))
            return "554 5.6.0 The mail cannot be stored"
        return f"250 2.0.0 {position.partition}-{position.offset} accepted"

    def _ended(self, emission: "asyncio.Task[object]") -> None:
        self._under_way.discard(emission)
        if not emission.cancelled():
            emission.exception()  # a session that has gone cannot ask for it any more

    async def close(self) -> None:
        """Turn everybody away but those whose mail is under way: these get their reply first."""
        self.closing = True
        for session in [session for session in self.open if not session.emitting]:
            session.turn_away()
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=self._settings.timeouts.emit)
            await asyncio.sleep(0.05)  # for the replies
        for session in list(self.open):
            session.turn_away()


def remote_of(session: Session) -> str:
    """The client's address, `?` when the socket has none."""
    peer = session.peer
    return str(peer[0]) if isinstance(peer, tuple) else "?"


def _writable(address: str) -> bool:
    return not any(c < " " or c == "\x7f" or "\ud800" <= c <= "\udfff" for c in address)
