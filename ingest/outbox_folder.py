"""The outbox folder: where mail goes when no SMTP server is configured, one `.eml` file per reply.

A file is written beside its place and renamed, so that a reader sees it whole, and a repetition replaces it with
the same bytes. It is not forced to the disk: like Kafka's own log it survives the death of every process, and
a receipt that survives a loss of power says no more than the file does.
"""

import os
import re
from hashlib import sha256
from pathlib import Path

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.reply import Reply
from ingest.outgoing_mail import outgoing_mail

_FLAGS = os.O_WRONLY | os.O_CREAT | os.O_TRUNC
_FILE_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,120}").fullmatch


class OutboxFolder:
    """Sender into a folder. `own`: the address that mail comes from when a reply names none."""

    idempotent = True

    def __init__(self, folder: Path, own: str, blobs: BlobStore) -> None:
        self._folder = folder
        self._own = own
        self._blobs = blobs

    async def send(self, reply: Reply) -> str:
        """Write `<reply_id>.eml`; the provider's id is the mail's Message-ID."""
        mail = await outgoing_mail(reply, self._own, self._blobs)
        name = reply.reply_id if _FILE_NAME(reply.reply_id) else sha256(reply.reply_id.encode()).hexdigest()
        try:
            self._write(f"{name}.eml", mail.content)
        except OSError as error:
            raise Retryable(f"the outbox folder {self._folder}: {error.strerror}") from error
        return mail.message_id

    def _write(self, name: str, content: bytes) -> None:
        # plain strings: pathlib would cost as much as the file
        fresh = f"{self._folder}/.{name}.{os.getpid()}"
        try:
            descriptor = os.open(fresh, _FLAGS, 0o600)
        except FileNotFoundError:
            self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
            descriptor = os.open(fresh, _FLAGS, 0o600)
        try:
            try:
                written = os.write(descriptor, content)
                while written < len(content):
                    written += os.write(descriptor, memoryview(content)[written:])
            finally:
                os.close(descriptor)
            os.rename(fresh, f"{self._folder}/{name}")  # noqa: PTH104
        except BaseException:
            Path(fresh).unlink(missing_ok=True)
            raise

    async def close(self) -> None:
        """Nothing is held open."""
