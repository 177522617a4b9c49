"""Who acts, and under which key."""

from dataclasses import dataclass

from bus.ticket_event import Actor


@dataclass(frozen=True, slots=True)
class Act:
    """A cause of events (ticketing.tickets.Cause). The same key is the same act."""

    key: str
    agent_id: str | None = None

    @property
    def cause(self) -> str:
        """What the ids of its events are made of."""
        return self.key

    @property
    def traceparent(self) -> str | None:
        """An act begins a trace of its own."""
        return None

    @property
    def actor(self) -> Actor:
        """As events name it."""
        return Actor(kind="agent", id=self.agent_id)
