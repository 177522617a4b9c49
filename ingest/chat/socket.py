"""The window's WebSocket: frames are answered in the order they come, and what the desk says comes in between."""

import asyncio

from starlette.websockets import WebSocket

from ingest.chat.frames import (
    HAVE,
    End,
    Ended,
    Expired,
    Given,
    Hello,
    Listen,
    Message,
    Rating,
    Refused,
    Resume,
    Sent,
    Unreadable,
    read_frame,
    said,
    to_json,
)
from ingest.chat.talk import Talk, Unknown
from ingest.chat.tokens import Session
from ingest.intake.http_endpoint import remote_of
from ingest.intake.route import Accept

_FIRST = 20.0
_SILENCE = 90.0
"""Seconds without a frame: windows that are there say `ping`."""
_UNREADABLE = 10


class _Over(Exception):
    """The conversation's connection ends."""


class ChatSocket:
    """Converse (ingest.intake.route)."""

    def __init__(self, talk: Talk) -> None:
        self._talk = talk

    async def __call__(self, socket: WebSocket, accept: Accept) -> None:
        """Until the window hangs up, says nothing any more, or ends it."""
        await socket.accept()
        one = _One(self._talk, socket, accept)
        try:
            session, have = await one.opened()
            with self._talk.live.listening(session.id) as listening:
                reading = asyncio.create_task(one.read(session))
                writing = asyncio.create_task(one.write(session, have, listening.more))
                try:
                    await asyncio.wait({reading, writing}, return_when=asyncio.FIRST_COMPLETED)
                finally:
                    reading.cancel()
                    writing.cancel()
                    outcomes = await asyncio.gather(reading, writing, return_exceptions=True)
            for outcome in outcomes:
                if isinstance(outcome, Exception):
                    raise outcome
        except (_Over, TimeoutError):
            return


class _One:
    """One connection."""

    def __init__(self, talk: Talk, socket: WebSocket, accept: Accept) -> None:
        self._talk = talk
        self._socket = socket
        self._accept = accept
        self._remote = remote_of(socket.scope)
        self._unreadable = 0

    async def opened(self) -> tuple[Session, set[str]]:
        """Who it is: by the first frame, and by no part of the address."""
        while True:
            frame, _ = await self._next(_FIRST)
            if isinstance(frame, Hello):
                session, welcome = self._talk.begin(frame)
                await self._say(welcome)
                return session, set()
            if isinstance(frame, Resume):
                try:
                    session, welcome = self._talk.resume(frame)
                except Unknown:
                    await self._say(Expired())
                    continue
                await self._say(welcome)
                return session, set(frame.have)
            await self._bad("say hello or resume first")

    async def read(self, session: Session) -> None:
        """Answer frame after frame."""
        while True:
            frame, body = await self._next(_SILENCE)
            if isinstance(frame, Message | Rating):
                await self._say(await self._talk.take(session, frame, body, self._remote, self._accept))
            elif isinstance(frame, End):
                await self._say(Ended())
                raise _Over
            elif isinstance(frame, Hello | Resume | Listen):
                await self._bad("not now")
            else:
                for answer in await self._talk.other(session, frame):
                    await self._say(answer)

    async def write(self, session: Session, have: set[str], more: asyncio.Event) -> None:
        """Say what there is to say, as it comes."""
        while True:
            more.clear()
            for reply in self._talk.live.after(session.id, have):
                await self._say(said(reply))
                have.add(reply.reply_id)
            if len(have) > 10 * HAVE:
                have.intersection_update(reply.reply_id for reply in self._talk.live.after(session.id, ()))
            await more.wait()

    async def _next(self, within: float) -> tuple[Sent, bytes]:
        """The next frame that can be read. Raises TimeoutError, _Over, and what the socket raises at its end."""
        while True:
            async with asyncio.timeout(within):
                body = await self._socket.receive_text()
            try:
                return read_frame(body), body.encode()
            except Unreadable as error:
                await self._bad(str(error), error.id)

    async def _bad(self, reason: str, id_: str | None = None) -> None:
        self._unreadable += 1
        await self._say(Refused(id=id_, reason=reason))
        if self._unreadable >= _UNREADABLE:
            raise _Over

    async def _say(self, frame: Given) -> None:
        await self._socket.send_text(to_json(frame))
