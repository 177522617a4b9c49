"""One kept-alive connection to one SMTP server, and what each way of failing says about a mail.

Until the final dot is written nothing is accepted, whatever happens (RFC 5321 §4.1.1.4): try again later. Once it
is written only the server's answer tells; without it nobody knows.
"""

import asyncio
import contextlib
import ssl
import time
from collections.abc import Callable
from typing import cast

from aiosmtplib import SMTP, SMTPAuthenticationError, SMTPException, SMTPResponse, SMTPResponseException
from aiosmtplib.errors import SMTPServerDisconnected

from bus.errors import ErrorClass, Retryable
from ingest.attempts import one_line
from ingest.contract import Refused, Uncertain
from ingest.mail_message import Mail
from ingest.oauth2.access import Access

_IDLE = 30.0
_LEFT_ALONE = 10.0
_TRANSPORT = (SMTPException, OSError, TimeoutError, ValueError)


class SmtpConnection:
    """Sends mails one after another; connects when needed, hangs up when idle.

    `connect` makes an unconnected client; `timeout` bounds connecting, and the envelope, in seconds; the answer
    to the mail itself may take twice that. `access`: whose token the client signs in with. A server that failed to
    answer is left alone for ten seconds, so that a group of mails does not wait for it one by one.
    """

    def __init__(
        self,
        name: str,
        connect: Callable[[], SMTP],
        timeout: float,
        *,
        access: Access | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._name = name
        self._access = access
        self._new_client = connect
        self._timeout = timeout
        self._clock = clock
        self._client: SMTP | None = None
        self._idle: asyncio.TimerHandle | None = None
        self._lock = asyncio.Lock()
        self._down: tuple[float, str, ErrorClass] | None = None

    async def deliver(self, mail: Mail) -> None:
        """Return once the server has accepted the mail. Raises Retryable, Uncertain and Refused."""
        async with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            try:
                await self._deliver(mail)
            finally:
                self._idle = asyncio.get_running_loop().call_later(_IDLE, self._hang_up)

    async def _deliver(self, mail: Mail) -> None:
        if self._down and self._clock() < self._down[0]:
            raise Retryable(self._down[1], kind=self._down[2])
        self._down = None
        client = await self._envelope(mail)
        stuffed = mail.content.replace(b"\r\n.", b"\r\n..")
        protocol, transport = client.protocol, client.transport
        if protocol is None or transport is None:
            raise self._lost("the connection was lost before the mail")
        transport = cast("asyncio.WriteTransport", transport)  # uvloop's are none by name
        dot_written = False
        # the answer is awaited from before the first byte on: a server may refuse in the middle
        answer = asyncio.create_task(protocol.read_response(timeout=2 * self._timeout))
        try:
            await asyncio.sleep(0)
            transport.write(stuffed)
            while transport.get_write_buffer_size() and not answer.done():  # noqa: ASYNC110  # it tells aiosmtplib only
                await asyncio.sleep(0.002)
            if not answer.done() and client.is_connected:
                transport.write(b".\r\n")
                dot_written = True
            response = await answer
        except _TRANSPORT as error:
            lost = self._lost(f"the connection was lost in the mail ({_kind(error)})")
            if dot_written:
                raise Uncertain(
                    f"{self._name}: no answer to the mail ({_kind(error)}); it may have been accepted"
                ) from error
            raise lost from error
        except BaseException:
            self._hang_up()
            raise
        finally:
            answer.cancel()
        if not dot_written:
            self._hang_up()
        self._judge(response, "the mail", positive=dot_written)

    async def _envelope(self, mail: Mail) -> SMTP:
        """Everything before the mail itself; afterwards the server waits for it."""
        kept = self._client is not None and self._client.is_connected
        client = await self._connected()
        try:
            async with asyncio.timeout(self._timeout):
                try:
                    await self._commands(client, mail)
                except SMTPServerDisconnected:
                    if not kept:
                        raise
                    # it hung up on an idle connection: nothing has been said about this mail yet
                    self._hang_up()
                    client = await self._connected()
                    await self._commands(client, mail)
        except (Retryable, Refused):
            await self._reset(client)
            raise
        except _TRANSPORT as error:
            raise self._lost(f"the connection was lost before the mail ({_kind(error)})") from error
        return client

    async def _commands(self, client: SMTP, mail: Mail) -> None:
        options = []
        if client.supports_extension("size"):
            options.append(f"SIZE={len(mail.content)}".encode())
        if mail.utf8:
            if not client.supports_extension("smtputf8"):
                raise Refused(f"{self._name} does not take addresses that are not ASCII")
            options.append(b"SMTPUTF8")
        sender, recipient = f"FROM:<{mail.envelope_from}>", f"TO:<{mail.recipient}>"
        self._judge(await client.execute_command(b"MAIL", sender.encode(), *options), "the sender")
        self._judge(await client.execute_command(b"RCPT", recipient.encode()), "the recipient")
        response = await client.execute_command(b"DATA")
        if response.code != 354:
            self._judge(response, "DATA", positive=False)

    async def _connected(self) -> SMTP:
        if self._client is not None and self._client.is_connected:
            return self._client
        self._client = await self._signed_in()
        return self._client

    async def _signed_in(self, *, again: bool = False) -> SMTP:
        client = self._new_client()
        try:
            if self._access is not None:
                await self._access.token()  # it has a patience of its own
            async with asyncio.timeout(self._timeout):
                await client.connect()
                if client.is_ehlo_or_helo_needed:
                    await client.ehlo()
        except SMTPAuthenticationError as error:
            client.close()
            if self._access is not None and not again:
                self._access.reject()  # revoked before its time, perhaps: another is one question away
                return await self._signed_in(again=True)
            what = "the user and the consent" if self._access is not None else "username and password"
            raise self._lost(f"the login was refused ({error.code}); check {what}", kind="auth") from error
        except Retryable as error:
            raise self._lost(str(error), kind=error.kind) from error
        except SMTPResponseException as error:
            raise self._lost(f"{error.code} {error.message}") from error
        except _TRANSPORT as error:
            client.close()
            raise self._lost(*_connecting(error)) from error
        return client

    def _judge(self, response: SMTPResponse, what: str, *, positive: bool = True) -> None:
        code, said = response.code, f"{self._name}: {what}: {response.code} {one_line(response.message)}"
        if 200 <= code < 300 and positive:
            return
        if 500 <= code < 600:
            raise Refused(said)
        raise Retryable(said)

    async def _reset(self, client: SMTP) -> None:
        try:
            async with asyncio.timeout(self._timeout):
                response = await client.execute_command(b"RSET")
        except _TRANSPORT:
            self._hang_up()
        else:
            if response.code != 250:
                self._hang_up()

    def _lost(self, why: str, kind: ErrorClass = "transient") -> Retryable:
        self._hang_up()
        problem = one_line(f"{self._name}: {why}")
        self._down = (self._clock() + _LEFT_ALONE, problem, kind)
        return Retryable(problem, kind=kind)

    def _hang_up(self) -> None:
        client, self._client = self._client, None
        if client is not None:
            client.close()

    async def close(self) -> None:
        """Say goodbye, shortly."""
        async with self._lock:
            if self._idle is not None:
                self._idle.cancel()
            if self._client is not None and self._client.is_connected:
                with contextlib.suppress(*_TRANSPORT):
                    async with asyncio.timeout(2.0):
                        await self._client.quit()
            self._hang_up()


def _kind(error: BaseException) -> str:
    return "time-out" if isinstance(error, TimeoutError) else type(error).__name__


def _connecting(error: BaseException) -> tuple[str, ErrorClass]:
    cause: BaseException | None = error
    while cause is not None:
        if isinstance(cause, ssl.SSLCertVerificationError):
            return f"its certificate cannot be verified ({cause.verify_message}); set ca_file", "contract"
        cause = cause.__cause__
    if isinstance(error, TimeoutError):
        return "no answer in time", "transient"
    return f"cannot connect: {error}", "transient"
