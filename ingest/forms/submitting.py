"""A request that fills in a form → a raw record, and the reference that its customer can quote."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from bus.errors import Invalid
from bus.message import Channel
from bus.raw import RawMessage
from bus.reference import reference_of
from ingest.forms.checking import Problems, problems_of
from ingest.forms.definition import STAMP, TRAP, Form
from ingest.forms.stamps import Stamps
from ingest.intake.raw_request import raw_request
from ingest.intake.route import Incoming
from normalize.forms.submission import CHOICES, read_submission
from normalize.identity import message_id
from normalize.payload.fields import Fields
from normalize.payload.request import Request, read_request

_COMMAS = 150_000
"""More than the longest text has: JSON of so many values would hold up everybody while it is read."""
_LARGE = 64 * 1024
"""Bytes of a body that is read in a thread, so that it holds nobody up."""


@dataclass(frozen=True, slots=True)
class Ready:
    """A submission that its form takes: the record that says so once Kafka has it, and what its customer can quote."""

    record: RawMessage
    reference: str
    message_id: str
    answers: Fields


@dataclass(frozen=True, slots=True)
class NotTaken:
    """What is wrong with it, and what was answered, so that it can be shown again."""

    problems: Problems
    answers: Fields


@dataclass(frozen=True, slots=True)
class Submitting:
    """Of one connector. `clock`: seconds since 1970."""

    form: Form
    channel: Channel
    account: str
    stamps: Stamps
    region: str | None = None
    clock: Callable[[], float] = time.time

    async def read(self, incoming: Incoming, *, guarded: bool, identity: str | None = None) -> Ready | NotTaken:
        """Look at it, take nothing. `guarded`: trap and time are looked at. `identity`: whom it is signed for."""
        if len(incoming.body) > _LARGE:
            return await asyncio.to_thread(self._read, incoming, guarded=guarded, identity=identity)
        return self._read(incoming, guarded=guarded, identity=identity)

    def _read(self, incoming: Incoming, *, guarded: bool, identity: str | None) -> Ready | NotTaken:
        record = self._record(incoming, identity)
        if not incoming.media_type.lower().startswith("multipart/") and incoming.body.count(b",") > _COMMAS:
            return NotTaken({"": "unreadable"}, Fields())
        try:
            request = read_request(record, incoming.body)
        except Invalid:
            return NotTaken({"": "unreadable"}, Fields())
        problems = dict(problems_of(self.form, request, identified=identity is not None, region=self.region))
        if guarded and (suspicion := self._suspicion(request)) is not None:
            problems.setdefault(*suspicion)
        if problems:
            return NotTaken(problems, request.fields)
        try:
            submission = read_submission(record, request)
        except Invalid:
            return NotTaken({"text": "nothing"}, request.fields)
        own = message_id(record.channel, record.account, submission.source_id, b"")
        record.headers[":reference"] = reference_of(own)
        return Ready(record, record.headers[":reference"], own, request.fields)

    def _record(self, incoming: Incoming, identity: str | None) -> RawMessage:
        known: dict[str, str] = {}
        if identity is not None:
            known[":identity"] = identity
        if self._choices:
            known[":asks"] = self._choices
        if self.form.feedback == "only":
            known[":feedback"] = "only"
        # the address's own query holds nothing that belongs to the message
        return raw_request(
            incoming,
            self.channel,
            self.account,
            kept=("idempotency-key",),
            known=known,
            path=incoming.path.partition("?")[0],
            region=self.region,
        )

    @property
    def _choices(self) -> str:
        return ",".join(field.name for field in self.form.fields if field.name in CHOICES)

    def _suspicion(self, request: Request) -> tuple[str, str] | None:
        fields = request.fields
        if fields.text(TRAP).strip():
            return TRAP, "trap"
        now = self.clock()
        age = self.stamps.age(fields.text(STAMP), now)
        if age is None:
            return STAMP, "stamp"
        if age < self.form.minimum:
            return STAMP, "too_fast"
        return None
