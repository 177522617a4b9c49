"""Whether a change of the wire's models breaks who reads old records with them, or new ones with the old ones."""

from collections.abc import Iterator
from typing import Any

_MUST_STAY = ("const", "format", "pattern", "minimum", "maximum", "minLength", "maxLength", "minItems", "maxItems")


def broken_by(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """What breaks between two snapshots of a topic (tests.contracts.write_schemas)."""
    problems: list[str] = []
    for part in ("values", "data"):
        for name, schema in old.get(part, {}).items():
            if name not in new.get(part, {}):
                problems.append(f"{name} is gone")
            else:
                problems += incompatible(schema, new[part][name], name)
    return problems


def incompatible(old: dict[str, Any], new: dict[str, Any], where: str = "") -> list[str]:
    """What breaks between two JSON Schemas of one model, each problem with its place."""
    return list(_compared(_Side(old, old), _Side(new, new), where))


class _Side:
    """A schema and the document that its references point into."""

    def __init__(self, schema: dict[str, Any], root: dict[str, Any]) -> None:
        self.root = root
        self.schema = schema
        if reference := schema.get("$ref"):
            self.schema = root["$defs"][reference.rpartition("/")[2]]

    def inner(self, schema: dict[str, Any]) -> "_Side":
        return _Side(schema, self.root)

    @property
    def values(self) -> set[Any] | None:
        """The values it is limited to, if it is."""
        if "const" in self.schema:
            return {self.schema["const"]}
        return set(self.schema["enum"]) if "enum" in self.schema else None


def _compared(old: _Side, new: _Side, where: str) -> Iterator[str]:
    was, now = old.schema, new.schema
    if "anyOf" in was or "anyOf" in now:
        yield from _alternatives(old, new, where)
        return
    if was.get("type") != now.get("type"):
        yield f"{where}: was {was.get('type')}, is {now.get('type')}"
        return
    if old.values is not None or new.values is not None:
        if new.values is not None and not (old.values or {object()}) <= new.values:
            yield f"{where}: no longer takes all of {sorted(map(str, old.values or ['any value']))}"
    else:
        for name in _MUST_STAY:
            if was.get(name) != now.get(name):
                yield f"{where}: {name} was {was.get(name)}, is {now.get(name)}"
    yield from _fields(old, new, where)
    for name, mark in (("items", "[]"), ("additionalProperties", "{}")):
        if isinstance(was.get(name), dict) and isinstance(now.get(name), dict):
            yield from _compared(old.inner(was[name]), new.inner(now[name]), where + mark)
        elif was.get(name) != now.get(name):
            yield f"{where}{mark}: was {was.get(name)}, is {now.get(name)}"


def _fields(old: _Side, new: _Side, where: str) -> Iterator[str]:
    was, now = old.schema.get("properties", {}), new.schema.get("properties", {})
    for name, schema in was.items():
        if name not in now:
            yield f"{where}.{name}: is gone"
        else:
            yield from _compared(old.inner(schema), new.inner(now[name]), f"{where}.{name}")
    for name in new.schema.get("required", []):
        if name not in old.schema.get("required", []):
            yield f"{where}.{name}: is required now"


def _alternatives(old: _Side, new: _Side, where: str) -> Iterator[str]:
    was = [old.inner(schema) for schema in old.schema.get("anyOf", [old.schema])]
    now = [new.inner(schema) for schema in new.schema.get("anyOf", [new.schema])]
    if len(was) != len(now):
        yield f"{where}: had {len(was)} forms, has {len(now)}"
        return
    for one in was:
        tries = [list(_compared(one, other, where)) for other in now]
        if all(tries):
            yield min(tries, key=len)[0]
