"""The page of every connector names every setting that it has, and no other; every setting says what it means."""

import re
from pathlib import Path
from types import UnionType
from typing import Any, Union, get_args, get_origin

import pytest
from pydantic import BaseModel

from ingest.contract import Connector
from ingest.table import CONNECTORS

DOCS = Path(__file__).parents[2] / "docs" / "connectors"


def _page(row: Connector[Any]) -> Path:
    return DOCS / f"{row.name}.md"


ROWS = list(CONNECTORS.values())


def _models(annotation: Any) -> list[type[BaseModel]]:  # noqa: ANN401  # annotations are of any kind
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return [annotation]
    if get_origin(annotation) in (Union, UnionType):
        return [model for each in get_args(annotation) for model in _models(each)]
    return []


def keys_of(model: type[BaseModel], prefix: str = "") -> set[str]:
    """`key`, `section.key` of a section, `sections.NAME` where there is one for each name."""
    found: set[str] = set()
    for name, field in model.model_fields.items():
        arguments = get_args(field.annotation)
        if inner := _models(field.annotation):
            found |= {key for each in inner for key in keys_of(each, f"{prefix}{name}.")}
        elif get_origin(field.annotation) is dict and _models(arguments[1]):
            found.add(f"{prefix}{name}.NAME")
        elif prefix or name != "type":
            found.add(f"{prefix}{name}")
    return found


def documented(page: Path) -> set[str]:
    """What stands in the first column of the page's tables of three columns."""
    rows = re.findall(r"^\| (`[^|]+) \|[^|]+\|[^|]*\|$", page.read_text("utf-8"), re.MULTILINE)
    return {key for keys in rows for key in re.findall(r"`([^`]+)`", keys)}


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_setting_is_documented_and_no_other(row: Connector[Any]) -> None:
    assert documented(_page(row)) == keys_of(row.settings)


def test_sending_mail_is_documented() -> None:
    from ingest.outgoing_server import OutgoingServer

    assert documented(DOCS / "sending-mail.md") == keys_of(OutgoingServer)


def _every_field(model: type[BaseModel], where: str) -> dict[str, str | None]:
    """The description of each setting, those of sections and of named or listed sections included."""
    found: dict[str, str | None] = {}
    for name, field in model.model_fields.items():
        found[f"{where}.{name}"] = field.description
        arguments = [each for argument in get_args(field.annotation) for each in (argument, *get_args(argument))]
        for inner in {each for annotation in (field.annotation, *arguments) for each in _models(annotation)}:
            found |= _every_field(inner, f"{where}.{name}")
    return found


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row.name)
def test_every_setting_says_what_it_means(row: Connector[Any]) -> None:
    silent = [name for name, said in _every_field(row.settings, row.name).items() if not said or not said.strip()]
    assert not silent
