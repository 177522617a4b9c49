"""A visitor's conversation, whatever the way its frames come by: who it is, what is taken, what is answered."""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import structlog
from pydantic import SecretStr

from bus.calendars import Calendar, micros
from bus.errors import Retryable
from bus.model import BlobRef
from bus.raw import Inline, RawMessage
from ingest.chat.frames import (
    Ack,
    Given,
    Got,
    Hello,
    Later,
    Message,
    Noted,
    Ping,
    Pong,
    Rating,
    Refused,
    Resume,
    Welcome,
)
from ingest.chat.tokens import Session, SessionTokens
from ingest.forms.identity import identified
from ingest.intake.rates import Bucket
from ingest.intake.route import Accept, Refusal, Unavailable
from ingest.live_replies import LiveReplies
from ingest.providers.repeats import Repeats

log = structlog.get_logger()

PER_SECOND = 5
_SESSIONS = 50_000
_FILES_AT_ONCE, _FILES_PER_SECOND = 20, 1 / 15


class Unknown(Exception):
    """The token continues no conversation, or not for who is logged in now."""


class Talk:
    """All conversations of one connector in this process. `hours`: None when somebody is always there."""

    def __init__(
        self,
        account: str,
        tokens: SessionTokens,
        live: LiveReplies,
        *,
        identity_secrets: Sequence[SecretStr] = (),
        hours: Calendar | None = None,
        max_files: int = 5,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.live = live
        self.tokens = tokens
        self._account = account
        self._identity_secrets = identity_secrets
        self._hours = hours
        self._max_files = max_files
        self._clock = clock
        self._messages: OrderedDict[str, Bucket] = OrderedDict()
        self._uploads: OrderedDict[str, Bucket] = OrderedDict()
        self._taken = Repeats()

    # -- who it is

    def begin(self, frame: Hello) -> tuple[Session, Welcome]:
        """A new conversation. An identity that is not believed is nobody's: who writes counts more than who he is."""
        session = self.tokens.begun(self._identity(frame.identity))
        return session, self._welcome(session)

    def resume(self, frame: Resume) -> tuple[Session, Welcome]:
        """A conversation that goes on. Raises Unknown.

        Whoever was logged in when it began must be so now: the next to use this browser is somebody else. That the
        page was made a while ago does not matter here.
        """
        session = self.session(frame.token)
        now = self._identity(frame.identity, expired=True)
        if session.identity is not None and session.identity != now:
            raise Unknown
        if session.identity is None:
            session = Session(session.id, self._identity(frame.identity))
        return session, self._welcome(session)

    def session(self, token: str) -> Session:
        """Whose token it is. Raises Unknown."""
        found = self.tokens.session(token, self._clock())
        if found is None:
            raise Unknown
        return found

    def _identity(self, given: str | None, *, expired: bool = False) -> str | None:
        if given is None:
            return None
        try:
            return identified(given, self._identity_secrets, self._account, expired=expired)
        except Refusal as refusal:
            log.info("chat.identity_refused", connector=self._account, reason=refusal.text)
            return None

    def online(self) -> bool:
        """Whether somebody is there to answer."""
        if self._hours is None:
            return True
        now = micros(datetime.fromtimestamp(self._clock(), UTC))
        return self._hours.between(now, now + 1) > 0

    def _welcome(self, session: Session) -> Welcome:
        token = self.tokens.token(session, self._clock())
        return Welcome(token=token, online=self.online(), identified=session.identity is not None)

    # -- what is taken

    async def take(
        self, session: Session, frame: Message | Rating, body: bytes, remote: str, accept: Accept
    ) -> Ack | Later | Refused:
        """A message: acknowledged once Kafka has it, and at once when this process has done so before."""
        key = hashlib.sha256(f"{session.id}\0{frame.id}\0".encode() + body).digest()
        if key in self._taken:
            return Ack(id=frame.id)
        files = self._files(session, frame) if isinstance(frame, Message) else {}
        if isinstance(files, str):
            return Refused(id=frame.id, reason=files)
        if (wait := self._wait(self._messages, session, PER_SECOND, PER_SECOND)) > 0:
            return Later(id=frame.id, after=round(wait, 3), reason="too_many")
        try:
            await accept(self._record(session, body, remote, files))
        except Unavailable as error:
            return Later(id=frame.id, after=float(error.headers["Retry-After"]), reason="unavailable")
        except Refusal as error:
            return Refused(id=frame.id, reason=error.kind)
        self._taken.add(key)
        return Ack(id=frame.id)

    def _files(self, session: Session, frame: Message) -> dict[str, BlobRef] | str:
        """The files of a message, by what its frame calls them; or why it cannot be taken."""
        if not frame.text.strip() and not frame.attachments:
            return "empty"
        if len(frame.attachments) > self._max_files:
            return "too_many_files"
        found = {f"upload:{each.upload}": self.tokens.uploaded(session, each.upload) for each in frame.attachments}
        stored = {source: blob for source, blob in found.items() if blob is not None}
        return stored if len(stored) == len(found) else "upload"

    async def other(self, session: Session, frame: Got | Ping) -> Sequence[Given]:
        """What needs no record."""
        if isinstance(frame, Ping):
            return [Pong()]
        try:
            return [Noted(ids=await self.live.shown(session.id, frame.ids))]
        except Retryable:
            return []  # it will be told again

    def may_upload(self, session: Session) -> float:
        """0 when it may upload a file now, and it is counted; else the seconds to wait."""
        return self._wait(self._uploads, session, _FILES_PER_SECOND, _FILES_AT_ONCE)

    def _wait(self, buckets: OrderedDict[str, Bucket], session: Session, per_second: float, size: float) -> float:
        now = time.monotonic()
        bucket = buckets.get(session.id)
        if bucket is None:
            bucket = buckets[session.id] = Bucket(per_second, size, now)
            if len(buckets) > _SESSIONS:
                buckets.popitem(last=False)
        buckets.move_to_end(session.id)
        wait = bucket.wait(now)
        if wait <= 0:
            bucket.take()
        return wait

    def _record(self, session: Session, body: bytes, remote: str, files: dict[str, BlobRef]) -> RawMessage:
        headers = {":session": session.id}
        if session.identity is not None:
            headers[":identity"] = session.identity
        return RawMessage(
            channel="chat",
            account=self._account,
            received_at=datetime.fromtimestamp(self._clock(), UTC),
            payload=Inline(base64=body),
            media_type="application/json",
            remote=remote,
            headers=headers,
            files=files,
        )
