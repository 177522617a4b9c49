"""The figures of one customer, agent, team or the desk (`customers.metrics`, compacted)."""

from typing import Literal

from bus.model import Time, Wire


class Figure(Wire):
    """A number, how many things it was made from, their sum, and the version of its definition.

    `value`: a count; a percentage (`happiness`); a mean in seconds (durations), None when nothing was measured.
    `median`, `p90`: of durations, in seconds, from counts in logarithmic buckets (at most 6.3 % off).
    `percent`: of figures by channel; they add up to 100. `oldest_at`: since when the longest wait lasts.
    """

    value: float | int | None
    count: int
    sum: int
    definition: str
    median: int | None = None
    p90: int | None = None
    percent: int | None = None
    oldest_at: Time | None = None


class FigureDefinition(Wire):
    """What a figure counts and what not, in five languages (`en` `fr` `nl` `pt` `ja`)."""

    id: str
    version: int
    unit: Literal["tickets", "messages", "ratings", "percent", "seconds"]
    name: dict[str, str]
    description: dict[str, str]


class AsOf(Wire):
    """How far the worker had read `tickets.events`: next offset by partition, and the last event's time."""

    offsets: dict[int, int] = {}
    at: Time | None = None


class CustomerMetrics(Wire):
    """All figures of `key`: `contact:<id>`, `account:<id>`, `agent:<id>`, `team:<id>` or `desk`.

    `contacts`: of a contact that was merged with others, all of them; each of them shows the sum of all.
    The key `definitions` holds no figures but the definitions of all of them, by `<id>@<version>`.
    """

    kind: Literal["customer.metrics.v1"] = "customer.metrics.v1"
    key: str
    as_of: AsOf
    revision: int
    figures: dict[str, Figure]
    contacts: list[str] | None = None
    definitions: dict[str, FigureDefinition] | None = None
