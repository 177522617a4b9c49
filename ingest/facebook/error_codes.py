"""What an error of the Graph API means: its code decides, not its words and not the HTTP status. Pure.

Source: Graph API, Handling Errors; Rate Limits.
"""

from collections.abc import Mapping
from typing import Literal, TypeAlias

Meaning: TypeAlias = Literal["sign_in", "permission", "wait", "refused", "repeated", "transient"]

_MEANINGS: Mapping[int, Meaning] = {
    190: "sign_in", 102: "sign_in", 463: "sign_in", 467: "sign_in",
    4: "wait", 17: "wait", 32: "wait", 613: "wait", 341: "wait", 368: "wait",
    3: "permission", 10: "permission",
    100: "refused", 33: "refused",
    506: "repeated",
    1: "transient", 2: "transient",
}  # fmt: skip
_PERMISSIONS = range(200, 300)
_BUSINESS_USE = range(80_000, 80_015)


def meaning_of(code: int | None) -> Meaning:
    """190: sign in again. 4, 17, 32, 613: wait. 10, 200–299: permission. 100: refused. 1, 2 and unknown: try again."""
    if code in _PERMISSIONS:
        return "permission"
    if code in _BUSINESS_USE:
        return "wait"
    return _MEANINGS.get(code or 0, "transient")
