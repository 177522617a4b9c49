"""What the commands on people have in common: one transaction on the desk, and errors of values in one line."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import typer
from pydantic import BaseModel, ValidationError
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import Invalid
from ticketing.commands_desk import Desk

Result = TypeVar("Result")
Model = TypeVar("Model", bound=BaseModel)
AgentArgument = Annotated[str, typer.Argument(help="Id, mail address or name.")]


def in_transaction(desk: Desk, do: Callable[[AsyncConnection], Awaitable[Result]]) -> Result:
    """What `do` gives, in one transaction. Raises ConfigError, Invalid, Retryable."""
    from ticketing.database import engine
    from ticketing.people.store import transaction

    url = desk.url

    async def run() -> Result:
        pool = engine(url)
        try:
            async with transaction(pool) as connection:
                return await do(connection)
        finally:
            await pool.dispose()

    return asyncio.run(run())


def given(model: type[Model], **values: Any) -> Model:  # noqa: ANN401  # the model checks them
    """The values that were given (an empty text is none), as the model has them. Raises Invalid."""
    named = {name: None if value == "" else value for name, value in values.items() if value is not None}
    try:
        return model.model_validate(named)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        raise Invalid(f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from None
