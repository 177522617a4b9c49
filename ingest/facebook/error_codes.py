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
    551: "refused",
    506: "repeated",
    1: "transient", 2: "transient",
}  # fmt: skip
_PERMISSIONS = range(200, 300)
_BUSINESS_USE = range(80_000, 80_015)


_LATE = "the customer's last message is more than 24 hours old: Messenger takes no answer any more"
_NOT_THERE = "this person takes no messages of the page now"
UNANSWERABLE: Mapping[tuple[object, object], str] = {
    (10, 2018065): _LATE, (10, 2018278): _LATE,
    (10, 2018108): _NOT_THERE, (100, 2018001): _NOT_THERE, (200, 1545041): _NOT_THERE, (551, 1545041): _NOT_THERE,
}  # fmt: skip
"""Codes and subcodes of the Send API that no later attempt changes (Messenger Platform, Common Error Codes)."""


def meaning_of(code: int | None) -> Meaning:
    """190: sign in again. 4, 17, 32, 613: wait. 10, 200–299: permission. 100: refused. 1, 2 and unknown: try again."""
    if code in _PERMISSIONS:
        return "permission"
    if code in _BUSINESS_USE:
        return "wait"
    return _MEANINGS.get(code or 0, "transient")
