"""The receiving part of `email-smtp`: a listener whose `250` means that Kafka has the mail."""

import asyncio
import contextlib
import errno
import logging

from bus.errors import ConfigError
from ingest.contract import Emit, Place
from ingest.smtp.door import Door
from ingest.smtp.session import session_factory
from ingest.smtp.settings import EmailSmtpSettings
from ingest.smtp.tls import server_tls

# aiosmtpd writes each command, addresses included, and each line of data
logging.getLogger("mail.log").setLevel(logging.CRITICAL)


class SmtpReceiver:
    """Receiver (ingest.contract). Paused and run again it listens on the port it had."""

    def __init__(self, settings: EmailSmtpSettings, place: Place) -> None:
        self._settings = settings
        self._place = place
        self._port = settings.port
        self._tls = server_tls(settings.tls_cert_file, settings.tls_key_file)

    async def run(self, emit: Emit) -> None:
        """Listen until cancelled. Raises ConfigError when the port cannot be had."""
        name, host = self._place.name, self._settings.host
        condition = f"{name}: listening"
        door = Door(name, self._settings, emit)
        loop = asyncio.get_running_loop()
        try:
            server = await loop.create_server(
                session_factory(door, self._settings, self._tls, loop), host, self._port, backlog=512
            )
        except OSError as error:
            self._place.health.set(condition, str(error))
            raise ConfigError(_cannot_listen(name, host, self._port, error)) from None
        self._port = int(server.sockets[0].getsockname()[1])
        self._place.announce(smtp=f"{host}:{self._port}")
        self._place.health.set(condition)
        try:
            await loop.create_future()
        finally:
            self._place.health.set(condition, "not listening")
            server.close()
            await door.close()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(server.wait_closed(), 1.0)


def _cannot_listen(name: str, host: str, port: int, error: OSError) -> str:
    where = f"[connectors.{name}]"
    if error.errno == errno.EADDRINUSE:
        return f"{where} port: {port} on {host} is in use; choose another, or stop what listens there"
    if error.errno == errno.EACCES:
        return f"{where} port: {port} needs a privilege this process does not have; choose one above 1023"
    return f"{where} host: cannot listen on {host}:{port}: {error.strerror or error}"
