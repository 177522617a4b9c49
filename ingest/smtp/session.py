"""One SMTP session: aiosmtpd's commands, with the mail's data taken in bulk and plain addresses read at once."""

import asyncio
import re
import ssl
from typing import Any

import structlog
from aiosmtpd.smtp import SMTP, Envelope, Session

from ingest.smtp.door import CLOSING, Door, remote_of
from ingest.smtp.mail_data import MailData
from ingest.smtp.settings import EmailSmtpSettings

log = structlog.get_logger()

_PLAIN = re.compile(r"<([A-Za-z0-9!#$%&'*+/=?^_`{|}~.-]{1,64}@[A-Za-z0-9.-]{1,255})>((?: .*)?)\Z")


class MailSession(SMTP):
    """See aiosmtpd.smtp.SMTP; what is different here says why."""

    line_length_limit = 64 * 1024  # of aiosmtpd's reader, which sees commands only; data has no lines for us

    def __init__(
        self,
        door: Door,
        settings: EmailSmtpSettings,
        tls: ssl.SSLContext | None,
        loop: asyncio.AbstractEventLoop,
    ) -> None:
        super().__init__(
            door,
            data_size_limit=settings.max_message_bytes,
            enable_SMTPUTF8=True,
            hostname=settings.hostname,
            ident="ESMTP Deskstream",
            tls_context=tls,
            require_starttls=settings.require_starttls,
            timeout=settings.timeouts.command,
            auth_exclude_mechanism=("LOGIN", "PLAIN"),
            loop=loop,
        )
        self._door = door
        self._limit = settings.max_message_bytes
        self._data_timeout = settings.timeouts.data
        self._data: MailData | None = None
        self._whole: asyncio.Future[None] | None = None
        self._held = 0
        self._no_room = False
        self.emitting = False

    async def _handle_client(self) -> None:
        assert self.session is not None
        remote = remote_of(self.session)
        refusal = CLOSING if self._door.closing else self._door.sessions.enter(remote)
        if refusal is not None:
            log.warning("smtp.session_refused", remote=remote)
            await self.push(refusal)
            self._writer.close()
            return
        self._door.open.add(self)
        try:
            await super()._handle_client()
        finally:
            self._let_go()
            self._door.open.discard(self)
            self._door.sessions.leave(remote)

    def _timeout_cb(self) -> None:
        if self.emitting:  # which has its own deadline
            self._reset_timeout()
            return
        self.turn_away("421 4.4.2 Nothing heard for too long")

    def turn_away(self, reply: str = CLOSING) -> None:
        """Say why, and hang up."""
        if self.transport is not None:
            self._writer.write(reply.encode() + b"\r\n")
            self.transport.close()

    def _getaddr(self, arg: str | None) -> tuple[str | None, str | None]:
        plain = _PLAIN.match(arg) if arg else None
        if plain:
            return plain[1], plain[2]
        try:
            address, rest = super()._getaddr(arg or "")
        except (RecursionError, IndexError, ValueError, AttributeError, AssertionError):
            return None, None  # the standard library's parser gave up on it
        return address, rest

    def data_received(self, data: bytes) -> None:
        """Into the mail while there is one, else to aiosmtpd's reader."""
        if self._data is None:
            super().data_received(data)
        else:
            self._take(data)

    def _take(self, chunk: bytes) -> None:
        data = self._data
        assert data is not None
        rest = data.feed(chunk)
        growth = len(data) - self._held
        if growth > 0 and not data.too_much and not self._door.has_room_for(growth):
            self._no_room = True
            data.drop()
            growth = len(data) - self._held
        self._door.bytes_in_memory += growth
        self._held += growth
        if rest is not None:
            self._data = None
            if self._whole is not None and not self._whole.done():
                self._whole.set_result(None)
            if rest:
                super().data_received(rest)

    def _let_go(self) -> None:
        self._data = None
        self._door.bytes_in_memory -= self._held
        self._held = 0

    async def smtp_DATA(self, arg: str) -> None:  # noqa: N802  # aiosmtpd's name
        """Read to CRLF.CRLF, hand over, and only then reply."""
        if await self.check_helo_needed():
            return
        assert self.envelope is not None
        assert self.session is not None
        if arg:
            await self.push("501 5.5.4 Syntax: DATA")
            return
        if not self.envelope.rcpt_tos:
            await self.push("503 5.5.1 Need RCPT before DATA")
            return
        self._reset_timeout(self._data_timeout)
        self._whole = self.loop.create_future()
        self._no_room = False
        data = self._data = MailData(self._limit)
        early = self._reader._buffer  # type: ignore[attr-defined]  # noqa: SLF001  # no other way to see what came before our 354
        if early:
            self._take(await self._reader.read(len(early)))
        await self.push("354 End data with <CR><LF>.<CR><LF>")
        try:
            await self._whole
            self._reset_timeout()
            await self.push(await self._outcome(data, self.session, self.envelope))
        finally:
            self._let_go()
            self._set_post_data_state()  # type: ignore[no-untyped-call]
        if self._door.closing:
            self.turn_away()

    async def _outcome(self, data: MailData, session: Session, envelope: Envelope) -> str:
        if self._no_room:
            return "452 4.3.1 No room for this mail now, please send it again later"
        if data.too_much:
            return f"552 5.3.4 The mail is larger than {self._limit} bytes"
        self.emitting = True
        try:
            return await self._door.take(session, envelope, data.content())
        finally:
            self.emitting = False


def session_factory(
    door: Door, settings: EmailSmtpSettings, tls: ssl.SSLContext | None, loop: asyncio.AbstractEventLoop
) -> Any:  # noqa: ANN401  # what loop.create_server takes
    """What makes the protocol of each connection."""
    return lambda: MailSession(door, settings, tls, loop)
