"""The same conversation by HTTP, where no WebSocket goes through: frames are posted, and what comes is waited for.

The token is in the Authorization header, never in an address. Nothing is kept between two requests: any process may
answer.
"""

import asyncio
from collections.abc import Sequence

from starlette.responses import Response

from bus.blobs import BlobStore
from bus.errors import Retryable
from bus.model import BlobRef
from ingest.chat.frames import (
    LONGEST_FRAME,
    Ack,
    End,
    Ended,
    Expired,
    Given,
    Got,
    Hello,
    Later,
    Listen,
    Message,
    Ping,
    Rating,
    Refused,
    Resume,
    Unreadable,
    read_frame,
    said,
    to_json,
)
from ingest.chat.talk import Talk, Unknown
from ingest.chat.tokens import Session
from ingest.intake.origins import Origins
from ingest.intake.route import Accept, HttpRoute, Incoming, Refusal, Route, Unavailable

_WAITS = 20.0
"""Seconds: less than proxies allow."""


class ChatPosts:
    """The routes."""

    def __init__(self, talk: Talk, blobs: BlobStore, max_file: int) -> None:
        self._talk = talk
        self._blobs = blobs
        self._max_file = max_file

    def routes(self, origins: Origins) -> Sequence[Route]:
        """`/frames` and `/uploads`."""
        return [
            HttpRoute("/frames", self.frames, max_body=LONGEST_FRAME, deadline=2 * _WAITS, origins=origins),
            HttpRoute("/uploads", self.uploads, max_body=self._max_file, deadline=60.0, origins=origins),
        ]

    async def frames(self, incoming: Incoming, accept: Accept) -> Response:
        """One frame, and those that answer it. What is not taken is no 2xx, with the frame that says why."""
        try:
            frame = read_frame(incoming.body)
        except Unreadable as error:
            raise Refusal(422, "unreadable", str(error)) from None
        match frame:
            case Hello():
                return _answer(self._talk.begin(frame)[1])
            case Resume():
                return self._resumed(frame)
            case Message() | Rating():
                session = self._session(incoming)
                return _taken(await self._talk.take(session, frame, incoming.body, incoming.remote, accept))
            case Listen():
                return _answer(*await self._listened(self._session(incoming), frame))
            case End():
                return _answer(Ended())
            case Got() | Ping():
                return _answer(*await self._talk.other(self._session(incoming), frame))

    def _resumed(self, frame: Resume) -> Response:
        try:
            session, welcome = self._talk.resume(frame)
        except Unknown:
            return _answer(Expired(), status=401)
        return _answer(welcome, *map(said, self._talk.live.after(session.id, frame.have)))

    async def uploads(self, incoming: Incoming, accept: Accept) -> Response:  # noqa: ARG002  # its message is taken
        """A file, whose handle a message then names. 201 once the blob store has it."""
        session = self._session(incoming)
        if not incoming.body:
            raise Refusal(422, "empty", "There is nothing in this file.")
        if (wait := self._talk.may_upload(session)) > 0:
            seconds = str(max(1, round(wait + 0.5)))
            raise Refusal(429, "too_many", "Too many files, please wait.", headers={"Retry-After": seconds})
        try:
            name = await self._blobs.put(incoming.body)
        except Retryable:
            raise Unavailable("It could not be stored now, please send it again later.") from None
        handle = self._talk.tokens.upload(session, BlobRef(blob=name, size=len(incoming.body)))
        return Response(f'{{"upload":"{handle}"}}', 201, media_type="application/json")

    async def _listened(self, session: Session, frame: Listen) -> Sequence[Given]:
        """As soon as there is something, or nothing after a while."""
        have = frozenset(frame.have)
        with self._talk.live.listening(session.id) as listening:
            try:
                async with asyncio.timeout(_WAITS):
                    while not (found := self._talk.live.after(session.id, have)) and not listening.over:
                        listening.more.clear()
                        await listening.more.wait()
            except TimeoutError:
                return []
        return [said(reply) for reply in found]

    def _session(self, incoming: Incoming) -> Session:
        """Whose request it is, by its Authorization header and by nothing else. Raises Refusal 401."""
        given = incoming.headers.getlist("authorization")
        scheme, _, token = (given[0] if len(given) == 1 else "").partition(" ")
        try:
            return self._talk.session(token.strip() if scheme.lower() == "bearer" else "")
        except Unknown:
            raise Refusal(
                401,
                "session",
                "There is no such conversation (any more).",
                headers={"WWW-Authenticate": "Bearer"},
            ) from None


def _answer(*frames: Given, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    text = f'{{"frames":[{",".join(map(to_json, frames))}]}}'
    return Response(text, status, headers, media_type="application/json")


def _taken(frame: Ack | Later | Refused) -> Response:
    if isinstance(frame, Later):
        status = 429 if frame.reason == "too_many" else 503
        return _answer(frame, status=status, headers={"retry-after": str(max(1, round(frame.after + 0.5)))})
    return _answer(frame, status=200 if isinstance(frame, Ack) else 422)
