"""One connection to one folder. Everything here blocks; `abort`, from another thread, ends whatever does."""

import contextlib
import logging
import socket
import ssl
import time
from collections.abc import Sequence
from datetime import date, datetime
from typing import Any, NamedTuple

from imapclient import IMAPClient, SocketTimeout
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError

from ingest.imap.settings import EmailImapSettings
from ingest.imap.sign_in import sign_in

logging.getLogger("imapclient").setLevel(logging.WARNING)  # below that it writes whole dialogues

_HEAD = "BODY.PEEK[HEADER]<0.65536>"
_WINDOW = 50_000
"""UIDs asked for at once: the line that names them all stays below imaplib's limit of a million bytes."""
_MOST_WINDOWS = 100


class Selected(NamedTuple):
    """What the server says of the folder."""

    uidvalidity: int
    uidnext: int | None
    exists: int


class Item(NamedTuple):
    """What is known of a mail before it is fetched."""

    size: int
    arrived: datetime | None


class Session:
    """Signed in when made. Raises what imapclient, sockets and TLS raise (ingest.imap.meaning)."""

    def __init__(self, settings: EmailImapSettings, tls: ssl.SSLContext | None, token: str | None) -> None:
        self._settings = settings
        early = settings.security == "tls"
        self._client = IMAPClient(
            settings.host,
            port=settings.port or (993 if early else 143),
            ssl=early,
            ssl_context=tls,
            timeout=SocketTimeout(settings.timeouts.connect, settings.timeouts.read),
        )
        self._client.normalise_times = False
        try:
            if settings.security == "starttls":
                self._client.starttls(tls)
            sign_in(self._client, settings, token)
        except BaseException:
            self.abort()
            raise
        self.can_idle = settings.idle and bool(self._client.has_capability("IDLE"))

    def select(self) -> Selected:
        """Look at the folder as it is now."""
        found: dict[bytes, Any] = self._client.select_folder(self._settings.folder, readonly=self._settings.read_only)
        uidvalidity = found.get(b"UIDVALIDITY")
        if not isinstance(uidvalidity, int):
            raise IMAPClientError("the folder has no UIDVALIDITY: its mails cannot be told apart")
        uidnext = found.get(b"UIDNEXT")
        return Selected(uidvalidity, uidnext if isinstance(uidnext, int) else None, int(found.get(b"EXISTS", 0)))

    def uids(self, ranges: Sequence[tuple[int, int]], since: date | None) -> list[int]:
        """Those that exist within these ranges, `since` that day."""
        if not ranges:
            return []
        wanted = ",".join(str(first) if first == last else f"{first}:{last}" for first, last in ranges)
        criteria: list[Any] = ["UID", wanted] + (["SINCE", since] if since else [])
        return [int(uid) for uid in self._client.search(criteria)]

    def new_uids(self, after: int, selected: Selected, since: date | None) -> tuple[list[int], int]:
        """Those above `after` in the first stretch that has any, and up to where that looked."""
        if selected.exists == 0:
            return [], after
        if selected.uidnext is None:
            return self.uids([(after + 1, 2**32 - 1)], since), after
        last = selected.uidnext - 1
        for _ in range(_MOST_WINDOWS):
            if after >= last:
                return [], after
            end = min(after + _WINDOW, last)
            found = self.uids([(after + 1, end)], since)
            if found or end == last:
                return found, end
            after = end
        return [], after

    def items(self, uids: Sequence[int]) -> dict[int, Item]:
        """Of each that is still there."""
        try:
            found = self._client.fetch(uids, ["RFC822.SIZE", "INTERNALDATE"])
        except IMAPClientAbortError:
            raise
        except (IMAPClientError, ValueError):  # a date that is none
            found = self._client.fetch(uids, ["RFC822.SIZE"])
        return {
            uid: Item(int(values[b"RFC822.SIZE"]), values.get(b"INTERNALDATE"))
            for uid, values in found.items()
            if b"RFC822.SIZE" in values
        }

    def whole(self, uids: Sequence[int]) -> dict[int, bytes]:
        """The mails, untouched and unmarked; one that has gone meanwhile is left out."""
        found = self._client.fetch(uids, ["BODY.PEEK[]"])
        return {uid: values[b"BODY[]"] for uid, values in found.items() if values.get(b"BODY[]") is not None}

    def head(self, uid: int) -> bytes | None:
        """The mail's header, its beginning if it is very long."""
        values = self._client.fetch([uid], [_HEAD]).get(uid, {})
        found = next((value for key, value in values.items() if key.startswith(b"BODY[HEADER]")), None)
        return found if isinstance(found, bytes) else None

    def mark_seen(self, uids: Sequence[int]) -> None:
        """Harmless for what has gone."""
        self._client.add_flags(uids, [rb"\Seen"], silent=True)

    def move(self, uids: Sequence[int], folder: str) -> None:
        """To a folder, which is made if it is missing. Never removes anybody else's mails."""
        there = self.uids([(uid, uid) for uid in uids], None)
        if not there:
            return
        if not self._client.folder_exists(folder):
            self._client.create_folder(folder)
        if self._client.has_capability("MOVE"):
            self._client.move(there, folder)
            return
        self._client.copy(there, folder)
        self._client.add_flags(there, [rb"\Deleted"], silent=True)
        if self._client.has_capability("UIDPLUS"):
            self._client.uid_expunge(there)

    def idle(self, seconds: float) -> None:
        """Until the server announces something, at most that long."""
        if self._announced_early() or _announces(self._read_ahead()):
            self._client.idle_done()
            return
        ends = time.monotonic() + seconds
        while (left := ends - time.monotonic()) > 0:
            asked = time.monotonic()
            said = self._client.idle_check(left)
            if _announces(said):
                break
            if not said and time.monotonic() - asked < left * 0.9:
                raise IMAPClientAbortError("the server has hung up")
        self._client.idle_done()

    def _read_ahead(self) -> list[Any]:
        """What came in one piece with the server's leave to idle: it is in imaplib's buffer, where no poll sees it."""
        self._client._poll_socket = lambda *_: [True]  # noqa: SLF001  # idle_check then reads without waiting
        try:
            return list(self._client.idle_check(0))
        finally:
            del self._client._poll_socket  # noqa: SLF001

    def _announced_early(self) -> bool:
        """Begin to idle; whether the server announced something before it said that it listens (imapclient raises)."""
        try:
            self._client.idle()
        except IMAPClientAbortError:
            raise
        except IMAPClientError as error:
            if "Unexpected IDLE response" not in str(error):
                raise
            while self._client._imap._get_response() is not None:  # noqa: SLF001  # up to its continuation
                pass
            return True
        return False

    def abort(self) -> None:
        """End it at once; whoever waits in it gets an error."""
        with contextlib.suppress(Exception):
            self._client.socket().shutdown(socket.SHUT_RDWR)
        with contextlib.suppress(Exception):
            self._client.shutdown()


def _announces(said: Sequence[Any]) -> bool:
    """Whether there is something new to look at. Raises IMAPClientAbortError when the server says goodbye."""
    if any(each and each[0] == b"BYE" for each in said):
        raise IMAPClientAbortError("the server says BYE")
    return any(len(each) > 1 and each[1] in (b"EXISTS", b"RECENT") for each in said)
