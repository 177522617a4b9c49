"""The figures of one customer, agent, team or the desk (`customers.metrics`, compacted)."""

from typing import Literal

from bus.model import Time, Wire


class Figure(Wire):
    """A number, how many things it was made from, their sum, and the version of its definition."""

    value: float | int | None
    count: int
    sum: int
    definition: str


class AsOf(Wire):
    """How far the worker had read `tickets.events`: next offset by partition, and the last event's time."""

    offsets: dict[int, int] = {}
    at: Time | None = None


class CustomerMetrics(Wire):
    """All figures of `key`: `contact:<id>`, `account:<id>`, `agent:<id>`, `team:<id>` or `desk`."""

    kind: Literal["customer.metrics.v1"] = "customer.metrics.v1"
    key: str
    as_of: AsOf
    revision: int
    figures: dict[str, Figure]
