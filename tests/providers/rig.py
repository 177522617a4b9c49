"""One connector over the bus in memory: its webhook called, its poll run, its records understood."""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from starlette.datastructures import Headers, QueryParams
from starlette.responses import Response

from bus.blobs import FolderBlobs
from bus.errors import Invalid, Retryable
from bus.health import Health
from bus.memory import MemoryBus
from bus.message import NormalizedMessage
from bus.raw import Inline, RawMessage
from bus.record import Position
from bus.reply import Recipient, Reply
from bus.topics import raw_topic
from ingest.contract import Connector, Place, Sender
from ingest.emitting import Emitting
from ingest.intake.route import HttpRoute, Incoming, Refusal, Unavailable
from ingest.polling import Polling
from normalize.outcome import Ignored, Understood
from normalize.table import NORMALIZERS
from tests.ingest.memory_cursors import MemoryCursors
from tests.ingest.polling.sources import until


class Rig:
    """`bus`, `cursors`: of another rig, whose process has ended and which this one follows."""

    def __init__(
        self,
        row: Connector[Any],
        settings: Mapping[str, Any],
        folder: Path,
        *,
        after: "Rig | None" = None,
        name: str = "public",
    ) -> None:
        self.row = row
        self.name = name
        self.settings = row.settings.model_validate({"type": row.name, **settings})
        self.bus: MemoryBus = after.bus if after else MemoryBus()
        self.cursors: MemoryCursors = after.cursors if after else MemoryCursors()
        self.health = Health()
        self.place = Place(name, folder, FolderBlobs(folder / "blobs"), self.cursors, self.health, lambda **_: None)
        self.emit = Emitting(row, name, self.bus.publisher(), self.place.blobs, counted=lambda _: None)
        self._receiver = row.receiver(self.settings, self.place) if row.receiver else None
        self.routes = list(row.web(self.settings, self.place)) if row.web else []
        self.public = "https://desk.example"

    # -- receiving

    async def poll(self, holds: Callable[[], bool]) -> None:
        """Let the poll run until something holds, and what it has in hand is done with: the cursor is stored."""
        assert self._receiver
        source, held_at = self.place.source, None
        problems = dict(source.problems)

        def done() -> bool:
            nonlocal held_at
            if held_at is None and holds():
                held_at = (source.last_success_at,)
            return held_at is not None and (source.problems != problems or held_at != (source.last_success_at,))

        await until(done, self._receiver.run(self.emit))

    def rewind(self, since: datetime) -> None:
        """What `deskstream connectors rewind` asks of the process that polls."""
        assert isinstance(self._receiver, Polling)
        self._receiver.rewind(since)

    async def begun(self) -> None:
        """The poll has looked for the first time, which takes nothing."""
        await self.poll(lambda: self.name in self.cursors.stored)

    async def call(
        self,
        headers: Mapping[str, str] | Sequence[tuple[str, str]],
        body: bytes = b"",
        *,
        method: str = "POST",
        query: str = "",
        path: str | None = None,
        params: Mapping[str, str] | None = None,
    ) -> Response:
        """The webhook's answer. Raises Refusal."""
        route = next(route for route in self.routes if isinstance(route, HttpRoute))
        assert method in route.methods
        pairs = headers.items() if isinstance(headers, Mapping) else headers
        asked = (path or route.path) + (f"?{query}" if query else "")
        incoming = Incoming(
            method=method,
            path=asked,
            params=params or {},
            query=QueryParams(query),
            headers=Headers(raw=[(name.lower().encode(), value.encode("latin-1")) for name, value in pairs]),
            body=body,
            url=f"{self.public}/in/{self.name}{asked}",
            root=f"/in/{self.name}",
            remote="203.0.113.7",
            received_at=datetime.now(UTC),
        )
        return await route.handle(incoming, self._accept)

    async def _accept(self, *raw: RawMessage) -> Sequence[Position]:
        try:
            return await self.emit(*raw)
        except Retryable:
            raise Unavailable("not now") from None

    async def status(self, *arguments: Any, **named: Any) -> int:  # noqa: ANN401  # those of `call`
        """The status that the server would answer."""
        try:
            return (await self.call(*arguments, **named)).status_code
        except Refusal as refusal:
            return refusal.status

    # -- what became of it

    @property
    def raw(self) -> list[RawMessage]:
        """The records on `raw.<channel>`."""
        return [RawMessage.from_json(record.value or b"") for record in self.bus.records(raw_topic(self.row.channel))]

    def outcomes(self) -> list[Understood | Ignored | Invalid]:
        """Each record understood."""
        found: list[Understood | Ignored | Invalid] = []
        for raw in self.raw:
            assert isinstance(raw.payload, Inline)
            try:
                found += NORMALIZERS[self.row.channel](raw, raw.payload.base64)
            except Invalid as error:
                found.append(error)
        return found

    def messages(self) -> list[NormalizedMessage]:
        """What filing would hold: of each message its highest revision, in order of first arrival."""
        held: dict[str, NormalizedMessage] = {}
        for outcome in self.outcomes():
            if isinstance(outcome, Understood):
                message = outcome.message
                before = held.get(message.message_id)
                if before is None or message.revision > before.revision:
                    held[message.message_id] = message
        return list(held.values())

    def texts(self) -> list[str]:
        """Their texts."""
        return [str(message.text) for message in self.messages()]

    # -- sending

    def sender(self) -> Sender:
        """A fresh one, as after a restart."""
        assert self.row.sender
        return self.row.sender(self.settings, self.place)

    async def send(self, reply: Reply) -> str:
        """By a sender of its own."""
        sender = self.sender()
        try:
            return await sender.send(reply)
        finally:
            await sender.close()

    def reply(self, text: str, **given: Any) -> Reply:  # noqa: ANN401  # any field of a reply
        """An agent's public answer."""
        fields: dict[str, Any] = {
            "reply_id": "r1", "ticket_id": "t1", "number": 7, "channel": self.row.channel, "account": self.name,
            "purpose": "reply", "created_at": datetime.now(UTC), "text": text, "visibility": "public",
            "recipient": Recipient(kind=self.row.channel, address="ana"),
        }  # fmt: skip
        return Reply(**(fields | given))
