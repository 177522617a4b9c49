"""What an act is: a name, what it takes, who may, what it has to know, and what it does."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, TypeVar

from pydantic import BaseModel, ConfigDict
from sqlalchemy.ext.asyncio import AsyncConnection

from ticketing.acts.desk import Desk
from ticketing.acts.scene import Scene, Stage
from ticketing.people.policy import Permission, Who
from ticketing.tickets import Ticket


class Input(BaseModel):
    """What an act takes: unknown fields are errors, and errors repeat nothing that somebody wrote."""

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True)


class Nothing(Input):
    """An act that takes nothing."""


I = TypeVar("I", bound=Input)  # noqa: E741  # as in `Input`
F = TypeVar("F")


@dataclass(frozen=True, slots=True)
class Asked(Generic[I]):
    """What is asked: of which ticket, what, by whom. `named_id`: the ticket that was named, `ticket_id` the survivor
    that it is part of."""

    ticket_id: str
    named_id: str
    given: I
    who: Who
    desk: Desk
    now: datetime


@dataclass(frozen=True, slots=True)
class ToOpen(Generic[I]):
    """What is asked where there is no ticket yet."""

    given: I
    who: Who
    desk: Desk
    now: datetime


async def nothing(connection: AsyncConnection, asked: Asked[Any]) -> None:  # the form of `read`
    """Read nothing: the ticket is enough."""


@dataclass(frozen=True, slots=True)
class ActKind(Generic[I, F]):
    """One act. `decide` is pure: it changes `scene.ticket`, tells events by `scene.tell`, and leaves in the scene
    what else is to be written. It raises Invalid, in words for whoever acts. The ticket that came of it is
    `scene.ticket`, unless it returns another.

    `read`: what it has to know beside the ticket, read under the ticket's lock. `on_graph`: it moves messages
    between tickets; then it holds the desk's lock, and `read` locks all the tickets and gives a Region.
    """

    name: str
    summary: str
    permission: Permission
    input: type[I]
    decide: Callable[[Scene[F], I], Ticket | None]
    read: Callable[[AsyncConnection, Asked[I]], Awaitable[F]] = nothing  # type: ignore[assignment]  # F is None then
    on_graph: bool = False


@dataclass(frozen=True, slots=True)
class OpeningKind(Generic[I, F]):
    """An act that opens a ticket. `read` runs under the desk's lock, as identities of contacts are filing's too;
    `decide` is pure, puts the ticket among `stage.decision.opened` and gives it. Both raise Invalid."""

    name: str
    summary: str
    permission: Permission
    input: type[I]
    read: Callable[[AsyncConnection, ToOpen[I]], Awaitable[F]]
    decide: Callable[[Stage[F], I], Ticket]
