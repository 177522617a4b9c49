"""Acts of whoever runs the machine: no API, no token, the database is enough."""

from collections.abc import Mapping
from datetime import datetime

from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncEngine

from bus.database import database_url
from bus.errors import Invalid
from bus.settings import Settings
from ticketing.acts import locked
from ticketing.acts.desk import Desk, desk_of
from ticketing.acts.errors import Unknown
from ticketing.acts.kind import Input
from ticketing.acts.perform import perform, perform_opening, transaction
from ticketing.acts.performed import Performed
from ticketing.acts.region import message_of
from ticketing.acts.table import ACTS, OPENING
from ticketing.database import engine as engine_of
from ticketing.people.policy import Role, Who


def operator(agent_id: str | None) -> Who:
    """Whoever runs the machine may do everything; `agent_id`: as whom, for the history."""
    return Who(agent_id or "operator", agent_id or "operator", frozenset({Role.ADMIN}))


async def operate(
    settings: Settings, name: str, on: int | str, given: Mapping[str, object], agent: str | None, *, key: str
) -> Performed:
    """Perform the act of this name. `on`: a ticket's number, or a message that is in it. Raises Invalid, Retryable."""
    engine = engine_of(database_url(settings))
    try:
        return await act(engine, desk_of(settings), name, on, given, operator(agent), key=key)
    finally:
        await engine.dispose()


async def operate_opening(
    settings: Settings, name: str, given: Mapping[str, object], agent: str | None, *, key: str
) -> Performed:
    """Perform the act of this name, which opens a ticket. Raises Invalid, Retryable."""
    kind = next(each for each in OPENING if each.name == name)
    engine = engine_of(database_url(settings))
    try:
        wanted = _checked(kind.input, given)
        return await perform_opening(engine, kind, wanted, operator(agent), desk=desk_of(settings), key=key)
    finally:
        await engine.dispose()


async def act(
    engine: AsyncEngine,
    desk: Desk,
    name: str,
    on: int | str,
    given: Mapping[str, object],
    who: Who,
    *,
    key: str,
    version: int | None = None,
    now: datetime | None = None,
) -> Performed:
    """The same with an engine at hand; `version`, `now` as of `perform`. Raises Stale too."""
    kind = next(each for each in ACTS if each.name == name)
    wanted = _checked(kind.input, given)
    ref: locked.Ref = on
    if isinstance(on, str):
        async with transaction(engine) as connection:
            _, ref = await message_of(connection, on)
    try:
        return await perform(engine, kind, ref, wanted, who, desk=desk, key=key, version=version, now=now)
    except Unknown as error:
        raise Invalid(f"{error}; `deskstream tickets list` shows all") from None


def _checked(model: type[Input], given: Mapping[str, object]) -> Input:
    try:
        return model.model_validate(given)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
