"""A look into a body that a provider has signed; what cannot be read is left to understanding, which parks it."""

import json
from collections.abc import Mapping
from typing import Any


def peek(body: bytes) -> Mapping[str, Any]:
    """The object of JSON, or an empty one."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) else {}
