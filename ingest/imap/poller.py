"""A mailbox as a Poller (ingest.contract): what is new in it, and what becomes of what was taken."""

import asyncio
import ssl
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import TypeVar

import structlog
from imapclient.exceptions import IMAPClientAbortError, IMAPClientError
from prometheus_client import Counter

from bus.errors import Retryable
from bus.raw import RawMessage
from ingest.contract import Page, Place
from ingest.imap.cursor import Found, MailboxCursor, chosen, given_up, moved, opened
from ingest.imap.meaning import retryable
from ingest.imap.off_the_loop import off_the_loop
from ingest.imap.raw_mail import raw_mail, utc
from ingest.imap.session import Item, Selected, Session
from ingest.imap.settings import EmailImapSettings
from ingest.imap.sign_in import TokenRefused
from ingest.oauth2.access import Access

log = structlog.get_logger()

MISSING = Counter("deskstream_imap_missing_uids_total", "UIDs that the server skipped and never showed", ["connector"])
TOO_LARGE = Counter("deskstream_imap_left_at_source_total", "Mails of which only the header was taken", ["connector"])
RENUMBERED = Counter(
    "deskstream_imap_renumbered_total", "Times that the mailbox had another UIDVALIDITY", ["connector"]
)

_MOST_MAILS = 50
_MOST_BYTES = 16 * 1024 * 1024
_ATTEMPTS = 3
_CLOSE_TO_THE_END = 30.0
T = TypeVar("T")


class ImapPoller:
    """Keeps its connection from look to look. `wait` comes back early when the server announces mail (IDLE)."""

    def __init__(
        self,
        settings: EmailImapSettings,
        place: Place,
        tls: ssl.SSLContext | None,
        access: Access | None,
        *,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        self._settings = settings
        self._place = place
        self._tls = tls
        self._access = access
        self._clock = clock
        self._session: Session | None = None
        self._confirmed: tuple[int, ...] = ()
        self._failures: dict[int, int] = {}

    async def fetch(self, after: MailboxCursor | None) -> Page[MailboxCursor]:
        """See Poller."""
        session = await self._open()
        return await self._within(session, lambda: self._look(session, after))

    async def confirm(self, page: Page[MailboxCursor]) -> None:
        """See Poller. What a crash leaves undone here is done at the next look: the cursor names it."""
        uids = page.cursor.unconfirmed
        if not uids or self._settings.then == "leave":
            return
        session = await self._open()
        await self._within(session, lambda: self._tell(session, uids))

    async def wait(self, seconds: float) -> None:
        """Until something is announced, at most that long. Raises Retryable."""
        session = self._session
        if session is None or not session.can_idle:
            await asyncio.sleep(seconds)
        else:
            await self._within(session, lambda: session.idle(seconds), limit=seconds + _CLOSE_TO_THE_END)

    def close(self) -> None:
        """Hang up."""
        session, self._session = self._session, None
        if session is not None:
            session.abort()

    async def describe(self) -> str:
        """Sign in, look, change nothing; a sentence about what is there. Raises Retryable."""
        session = await self._open()
        selected = await self._within(session, session.select)
        self.close()
        announced = (
            "announces new mail (IDLE)" if session.can_idle else f"is looked at every {self._settings.poll_every:g} s"
        )
        return (
            f"signed in at {self._settings.host} as {self._settings.username}; {self._settings.folder} of "
            f"{self._settings.mailbox or self._settings.username} has {selected.exists} mails and {announced}"
        )

    async def _open(self) -> Session:
        if self._access is not None and self._access.due:
            self.close()  # a connection does not outlive the token it was opened with
        if self._session is None:
            try:
                self._session = await self._connect()
            except TokenRefused:
                # revoked before its time, perhaps: once more with a new one
                assert self._access is not None
                self._access.reject()
                try:
                    self._session = await self._connect()
                except TokenRefused as error:
                    raise retryable(error, self._settings.host) from error
        return self._session

    async def _connect(self) -> Session:
        token = await self._access.token() if self._access is not None else None
        made: list[Session] = []
        abandoned = False

        def connect() -> Session:
            session = Session(self._settings, self._tls, token)
            made.append(session)
            if abandoned:
                session.abort()
            return session

        def abandon() -> None:
            nonlocal abandoned
            abandoned = True
            for session in made:
                session.abort()

        timeouts = self._settings.timeouts
        try:
            return await off_the_loop(connect, limit=timeouts.connect + 3 * timeouts.read, abort=abandon)
        except (TokenRefused, Retryable):
            raise
        except Exception as error:
            raise retryable(error, self._settings.host) from error

    async def _within(self, session: Session, work: Callable[[], T], *, limit: float | None = None) -> T:
        """The work; whatever goes wrong in it, the connection is not used again."""
        try:
            return await off_the_loop(work, limit=limit or self._settings.timeouts.turn, abort=session.abort)
        except BaseException as error:
            self.close()
            if isinstance(error, Exception) and not isinstance(error, Retryable):
                raise retryable(error, self._settings.host) from error
            raise

    def _look(self, session: Session, after: MailboxCursor | None) -> Page[MailboxCursor]:
        selected = session.select()
        cursor, how = opened(after, selected.uidvalidity, selected.uidnext)
        name = self._place.name
        if how in ("changed", "went_back"):
            RENUMBERED.labels(name).inc()
            log.warning("imap.renumbered", connector=name, how=how, uidvalidity=selected.uidvalidity)
        elif cursor.unconfirmed and cursor.unconfirmed != self._confirmed and self._settings.then != "leave":
            self._tell(session, cursor.unconfirmed)  # a crash came between the cursor and the mailbox
        found, looked = self._find(session, cursor, selected)
        now = self._clock()
        items = session.items([*found.late, *found.new])
        taken, messages, confirm = self._take(session, cursor, found, items, now)
        all_taken = taken == found and found.left == 0
        passed = min(looked, cursor.known_from) if all_taken else 0  # nobody asks for what went before we came
        cursor = moved(cursor, taken, now, passed=passed, confirm=confirm)
        if not messages:
            cursor = cursor.model_copy(update={"unconfirmed": after.unconfirmed if after and how == "same" else ()})
        cursor, lost = given_up(cursor, now)
        for gap in lost:
            MISSING.labels(name).inc(gap.last - gap.first + 1)
            log.warning("imap.missing", connector=name, uidvalidity=cursor.uidvalidity, first=gap.first, last=gap.last)
        self._place.source.lag = found.left + len(found.late) + len(found.new) - len(taken.late) - len(taken.new)
        return Page(messages, cursor)

    def _find(self, session: Session, cursor: MailboxCursor, selected: Selected) -> tuple[Found, int]:
        """What to take now, and up to which UID the server has shown all it has."""
        late = session.uids([(gap.first, gap.last) for gap in cursor.gaps], self._settings.since)
        new, looked = session.new_uids(cursor.uid, selected, self._settings.since)
        return chosen(cursor, [*late, *new], _MOST_MAILS), looked

    def _take(
        self, session: Session, cursor: MailboxCursor, found: Found, items: dict[int, Item], now: datetime
    ) -> tuple[Found, list[RawMessage], list[int]]:
        """Of what was found: what could be taken in one go, its records, and of which the mailbox is to be told."""
        contents: dict[int, bytes | None] = {}
        sized = 0
        wanted: list[int] = []
        order = [*found.late, *found.new]
        for uid in order:
            item = items.get(uid)
            if item is None or item.size > self._settings.max_message_bytes:
                continue
            if wanted and sized + item.size > _MOST_BYTES:
                order = order[: order.index(uid)]
                break
            wanted.append(uid)
            sized += item.size
        contents.update(self._contents(session, wanted))
        messages: list[RawMessage] = []
        confirm: list[int] = []
        for uid in order:
            item, content = items.get(uid), contents.get(uid)
            if item is None or (uid in wanted and uid not in contents):
                continue  # it has gone since the server named it
            left = None
            if content is None:
                left = item.size
                content = self._head(session, uid, item)
            else:
                confirm.append(uid)
            if content is not None:
                label = f"{cursor.uidvalidity}/{uid}"
                arrived = utc(item.arrived)
                messages.append(
                    raw_mail(self._place.name, self._settings, content, uid=label, arrived=arrived, now=now, left=left)
                )
        kept = set(order)
        return (
            Found([uid for uid in found.late if uid in kept], [uid for uid in found.new if uid in kept], found.left),
            messages,
            confirm,
        )

    def _contents(self, session: Session, uids: Sequence[int]) -> dict[int, bytes | None]:
        """Each mail that is still there; None for one that the server cannot give, however often it is asked."""
        if not uids:
            return {}
        try:
            return dict(session.whole(uids))
        except IMAPClientAbortError:
            raise
        except (IMAPClientError, ValueError) as error:
            if len(uids) > 1:  # one of them; the others must not wait for it
                return {uid: content for one in uids for uid, content in self._contents(session, [one]).items()}
            (uid,) = uids
            self._failures[uid] = self._failures.get(uid, 0) + 1
            if self._failures[uid] < _ATTEMPTS:
                what = f"{self._settings.host}: the mail with UID {uid} cannot be fetched"
                raise Retryable(f"{what} ({type(error).__name__})") from error
            log.warning("imap.cannot_be_fetched", connector=self._place.name, uid=uid, detail=type(error).__name__)
            return {uid: None}

    def _head(self, session: Session, uid: int, item: Item) -> bytes | None:
        """The header alone, of a mail that is too large or cannot be given: its sender is heard, its body stays."""
        TOO_LARGE.labels(self._place.name).inc()
        log.warning("imap.left_at_source", connector=self._place.name, uid=uid, size=item.size)
        try:
            head = session.head(uid)
        except IMAPClientAbortError:
            raise
        except (IMAPClientError, ValueError):
            head = None
        if head is None:
            MISSING.labels(self._place.name).inc()
            return None
        return head if head.endswith(b"\n\r\n") else head.rstrip(b"\r\n") + b"\r\n\r\n"

    def _tell(self, session: Session, uids: tuple[int, ...]) -> None:
        if self._settings.then == "mark_seen":
            session.mark_seen(uids)
        elif self._settings.then == "move":
            assert self._settings.move_to is not None
            session.move(uids, self._settings.move_to)
        self._confirmed = uids
