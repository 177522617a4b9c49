"""The wire is as its checked-in snapshots say, and no change of it breaks a reader."""

import json
from pathlib import Path
from typing import Any, Literal

import pytest

from bus.model import Wire
from bus.topics import topics
from tests.contracts.compatibility import broken_by, incompatible
from tests.contracts.write_schemas import SCHEMAS, snapshots, text_of


@pytest.mark.parametrize("path", sorted(snapshots()), ids=lambda path: path.name)
def test_the_snapshot_is_current(path: Path) -> None:
    assert path.read_text("utf-8") == text_of(snapshots()[path]), "run `make schemas`"


@pytest.mark.parametrize("path", sorted(p for p in snapshots() if p.parent == SCHEMAS), ids=lambda path: path.name)
def test_no_reader_is_broken(path: Path) -> None:
    assert broken_by(json.loads(path.read_text("utf-8")), snapshots()[path]) == []


def test_every_topic_has_a_snapshot_and_nothing_else_has() -> None:
    expected = {
        f"{topic.name.split('.')[0] if topic.name.startswith(('raw.', 'messages.')) else topic.name}"
        for topic in topics()
    }
    families = {
        name if not name.startswith("replies.") or name == "replies.receipts" else "replies" for name in expected
    }
    assert {path.stem for path in SCHEMAS.glob("*.json")} == families


class Part(Wire):
    n: int


class Old(Wire):
    kind: Literal["old.v1"] = "old.v1"
    id: str
    state: Literal["open", "closed"] = "open"
    note: str | None = None
    parts: list[Part] = []
    sums: dict[str, int] = {}


OLD = Old.model_json_schema()


def changed(**properties: dict[str, Any] | None) -> dict[str, Any]:
    """Old's schema with other properties; None takes one away."""
    kept = OLD["properties"] | properties
    return OLD | {"properties": {name: schema for name, schema in kept.items() if schema is not None}}


INCOMPATIBLE = {
    "a field removed": changed(note=None),
    "a type changed": changed(id={"type": "integer"}),
    "a choice narrowed": changed(state={"enum": ["open"], "type": "string"}),
    "a choice where any value was": changed(id={"enum": ["a"], "type": "string"}),
    "another kind": changed(kind={"const": "old.v2", "type": "string"}),
    "null no longer taken": changed(note={"type": "string"}),
    "null taken now": changed(id={"anyOf": [{"type": "string"}, {"type": "null"}]}),
    "a list's item changed": changed(parts={"type": "array", "items": {"type": "string"}}),
    "a map's value changed": changed(sums={"type": "object", "additionalProperties": {"type": "string"}}),
    "a format changed": changed(id={"type": "string", "format": "uuid"}),
    "a new required field": changed(more={"type": "string"}) | {"required": ["id", "more"]},
    "an optional field required": OLD | {"required": ["id", "note"]},
    "a nested field removed": OLD | {"$defs": {"Part": {"type": "object", "properties": {}}}},
    "a nested type changed": OLD
    | {"$defs": {"Part": OLD["$defs"]["Part"] | {"properties": {"n": {"type": "number"}}}}},
}
COMPATIBLE = {
    "nothing": OLD,
    "an optional field added": changed(more={"type": "string", "default": ""}),
    "a choice added": changed(state={"enum": ["open", "closed", "lost"], "type": "string"}),
    "another description": changed(id={"type": "string", "description": "opaque"}),
    "a default added": changed(id={"type": "string", "default": ""}) | {"required": []},
}


@pytest.mark.parametrize("change", INCOMPATIBLE)
def test_what_breaks_readers_is_found(change: str) -> None:
    assert incompatible(OLD, INCOMPATIBLE[change])


@pytest.mark.parametrize("change", COMPATIBLE)
def test_what_only_adds_is_let_through(change: str) -> None:
    assert incompatible(OLD, COMPATIBLE[change]) == []


def test_a_value_or_an_event_that_is_gone_is_found() -> None:
    old = {"values": {"Old": OLD}, "data": {"ticket.opened": OLD}}
    assert broken_by(old, {"values": {}, "data": {"ticket.opened": OLD}}) == ["Old is gone"]
    assert broken_by(old, {"values": {"Old": OLD}, "data": {}}) == ["ticket.opened is gone"]
    assert broken_by(old, old) == []


def test_references_of_the_asyncapi_document_lead_somewhere() -> None:
    (document,) = (found for path, found in snapshots().items() if path.name == "asyncapi.json")

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            own = [node["$ref"]] if isinstance(node.get("$ref"), str) else []
            return own + [found for value in node.values() for found in references(value)]
        return [found for value in node for found in references(value)] if isinstance(node, list) else []

    found = references(document)
    assert len(found) > 50
    for reference in found:
        node: Any = document
        for part in reference.removeprefix("#/").split("/"):
            node = node[part]


def test_the_asyncapi_document_tells_what_a_subscriber_needs() -> None:
    (document,) = (found for path, found in snapshots().items() if path.name == "asyncapi.json")
    events = document["channels"]["tickets.events"]
    assert events["bindings"]["kafka"]["partitions"] == 12
    assert events["bindings"]["kafka"]["topicConfiguration"]["retention.ms"] == -1
    assert "ticket id" in events["description"]
    raw = document["channels"]["raw.channel"]
    assert raw["address"] == "raw.{channel}"
    assert "email" in raw["parameters"]["channel"]["enum"]
    assert document["components"]["messages"]["TicketEvent"]["name"] == "ticket.event.v1"
