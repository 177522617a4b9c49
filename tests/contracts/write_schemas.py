"""Writes the snapshots of the wire: `bus/schemas/<topic>.json`, `docs/asyncapi.json` and `docs/openapi.json`.

Run it after adding a field; a change that would break readers fails `test_schemas.py` before and after.
"""

import json
import sys
from pathlib import Path
from typing import Any

from bus.asyncapi import asyncapi, families
from bus.contact_event import CONTACT_DATA_MODELS
from bus.ticket_event_data import DATA_MODELS
from bus.topics import CONTACT_EVENTS, TICKET_EVENTS
from deploy.openapi import openapi

ROOT = Path(__file__).parents[2]
SCHEMAS = ROOT / "bus" / "schemas"
ASYNCAPI = ROOT / "docs" / "asyncapi.json"
OPENAPI = ROOT / "docs" / "openapi.json"


def snapshots() -> dict[Path, dict[str, Any]]:
    """What each file should hold, from the models as they are."""
    found: dict[Path, dict[str, Any]] = {ASYNCAPI: asyncapi(), OPENAPI: openapi()}
    for topic in families():
        document: dict[str, Any] = {
            "topic": topic.name,
            "values": {model.__name__: model.model_json_schema() for model in topic.models},
        }
        if topic.name == TICKET_EVENTS:
            document["data"] = {kind: model.model_json_schema() for kind, model in DATA_MODELS.items()}
        if topic.name == CONTACT_EVENTS:
            document["data"] = {kind: model.model_json_schema() for kind, model in CONTACT_DATA_MODELS.items()}
        found[SCHEMAS / f"{topic.name.removesuffix('.<channel>')}.json"] = document
    return found


def text_of(document: dict[str, Any]) -> str:
    """As it stands in the file."""
    return json.dumps(document, indent=2, ensure_ascii=False) + "\n"


def main() -> None:
    """Write them all, unless a change would break readers."""
    from tests.contracts.compatibility import broken_by

    problems = [
        f"{path.name}: {problem}"
        for path, document in snapshots().items()
        if path.parent == SCHEMAS and path.exists()
        for problem in broken_by(json.loads(path.read_text("utf-8")), document)
    ]
    if problems:
        sys.exit("these changes break readers; make a new `kind` instead:\n" + "\n".join(problems))
    SCHEMAS.mkdir(exist_ok=True)
    for path, document in snapshots().items():
        path.write_text(text_of(document), "utf-8")


if __name__ == "__main__":
    main()
