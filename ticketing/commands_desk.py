"""What every command of the desk begins with: the options that say where it is and how to print."""

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Any, Concatenate, ParamSpec

import typer

from bus.database import database_url
from bus.options import ConfigOption, DatabaseOption, DataOption, JsonOption, KafkaOption, Options, resolve
from bus.settings import Settings

P = ParamSpec("P")

AgentOption = Annotated[str | None, typer.Option("--agent", help="Id of the agent who acts, for the history.")]


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the desk of a command is. `as_json`: print documents, not words."""

    options: Options
    as_json: bool

    @property
    def settings(self) -> Settings:
        """All settings. Raises ConfigError when no database is known."""
        return self.options.settings("database")

    @property
    def url(self) -> str:
        """Its database. Raises ConfigError."""
        return database_url(self.settings)


def on_desk(command: Callable[Concatenate[Desk, P], None]) -> Callable[..., None]:
    """A typer command out of one that takes its desk first: `--data`, `--config`, `--kafka`, `--database`, `--json`
    come after its own arguments and options."""
    keyword = inspect.Parameter.KEYWORD_ONLY
    added = [
        inspect.Parameter("data", keyword, default=None, annotation=DataOption),
        inspect.Parameter("config", keyword, default=None, annotation=ConfigOption),
        inspect.Parameter("kafka", keyword, default=None, annotation=KafkaOption),
        inspect.Parameter("database", keyword, default=None, annotation=DatabaseOption),
        inspect.Parameter("as_json", keyword, default=False, annotation=JsonOption),
    ]
    own = list(inspect.signature(command, eval_str=True).parameters.values())[1:]

    @functools.wraps(command)
    def run(**given: object) -> None:
        where: list[Any] = [given.pop(each.name) for each in added]
        *flags, as_json = where
        desk = Desk(resolve(*flags), bool(as_json))
        command(desk, **given)  # type: ignore[call-arg, arg-type]  # its own parameters

    parameters = [each.replace(kind=keyword) for each in own] + added
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # what typer looks at
    run.__annotations__ = {each.name: each.annotation for each in parameters}
    del run.__wrapped__  # else typer looks behind it
    return run
