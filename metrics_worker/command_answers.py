"""How the commands find what they are asked for, and what they say when they cannot."""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Annotated, Literal, TypeVar

import typer
from sqlalchemy.exc import DBAPIError
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.errors import ConfigError, Retryable
from bus.options import resolve
from bus.settings import Settings

KeyArgument = Annotated[
    str, typer.Argument(metavar="KEY", help="contact:<id>, account:<id>, agent:<id>, team:<id> or desk.")
]
Found = TypeVar("Found")


def settings_of(
    context: typer.Context, *given: object, needed: tuple[Literal["kafka", "database"], ...] = ("database",)
) -> Settings:
    """From the options behind the command, else those before it."""
    before: tuple[object, ...] = context.obj or (None,) * len(given)
    chosen = [mine if mine is not None else theirs for mine, theirs in zip(given, before, strict=True)]
    try:
        return resolve(*chosen).settings(*needed)  # type: ignore[arg-type]  # as typer has checked them
    except ConfigError as error:
        raise refused(str(error), 2) from None


def asked(settings: Settings, question: Callable[[AsyncConnection], Awaitable[Found]]) -> Found:
    """The answer from one state of the database."""
    from bus.database import database_url
    from bus.progress import database_error
    from metrics_worker.database import engine as engine_of

    async def ask() -> Found:
        engine = engine_of(database_url(settings))
        try:
            async with engine.connect() as plain:
                return await question(await plain.execution_options(isolation_level="REPEATABLE READ"))
        finally:
            await engine.dispose()

    try:
        return asyncio.run(ask())
    except ConfigError as error:
        raise refused(str(error), 2) from None
    except DBAPIError as error:
        if getattr(error.orig, "sqlstate", None) in ("3F000", "42P01"):
            raise refused("this database has no figures yet; run `deskstream db upgrade`", 1) from None
        raise refused(str(database_error(error)), 1) from None
    except Retryable as error:
        raise refused(str(error), 1) from None


def unknown(key: str) -> typer.Exit:
    return refused(
        f"no figures are known of {key}; a key is contact:<id>, account:<id>, agent:<id>, team:<id>, desk", 1
    )


def refused(text: str, status: int) -> typer.Exit:
    print(f"deskstream metrics: {text}", file=sys.stderr)
    return typer.Exit(status)
