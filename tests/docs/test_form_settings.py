"""The pages of the form connectors name every setting, and no other."""

import re
from pathlib import Path

import pytest
from pydantic import BaseModel

from ingest.connectors.web_form import WEB_FORM
from ingest.connectors.website import WEBSITE
from ingest.intake.settings import Rates

DOCS = Path(__file__).parents[2] / "docs" / "connectors"


def _keys(model: type[BaseModel]) -> set[str]:
    names = set(model.model_fields) - {"type", "rates", "field"}
    return names | {"field.NAME"} | {f"rates.{name}" for name in Rates.model_fields}


@pytest.mark.parametrize("row", [WEBSITE, WEB_FORM], ids=lambda row: row.name)
def test_every_setting_is_documented(row: object) -> None:
    assert isinstance(row, type(WEBSITE))
    text = (DOCS / f"{row.name}.md").read_text()
    rows = re.findall(r"^\| (`[^|]+) \|[^|]+\|[^|]*\|$", text, re.MULTILINE)
    documented = {key for keys in rows for key in re.findall(r"`([^`]+)`", keys)}
    assert documented == _keys(row.settings)
