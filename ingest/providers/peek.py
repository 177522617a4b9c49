"""A look into a body that a provider has signed; what cannot be read is left to understanding, which parks it."""

import json
from collections.abc import Mapping
from typing import Any

from normalize.payload.fields import Fields, Json


def first(value: Json) -> Fields:
    """The first item of a list, if it is an object; else an empty one."""
    return Fields(value[0] if isinstance(value, list) and value else None)


def peek(body: bytes) -> Mapping[str, Any]:
    """The object of JSON, or an empty one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
