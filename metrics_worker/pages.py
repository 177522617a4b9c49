"""The pages of contacts, accounts, agents and the team: their form. OpenAPI is made from these."""

from datetime import datetime

from pydantic import BaseModel, ConfigDict

from bus.figures import AsOf, Figure, FigureDefinition
from metrics_worker.behind import Behind
from metrics_worker.why import Share


class _Value(BaseModel):
    model_config = ConfigDict(frozen=True)


class Activity(_Value):
    """One thing on the time line: `agent_id` did it, on the ticket that `link` opens, whose status is now `status`.

    `contact_id`: whose ticket it is.

    `agent_name`: what the desk calls that agent; None where nobody asked the desk.
    """

    at: datetime
    kind: str
    ticket_id: str
    number: int
    link: str
    status: str
    channel: str | None = None
    agent_id: str | None = None
    agent_name: str | None = None
    contact_id: str | None = None
    event_id: str


class Slice(_Value):
    """One slice of the donut; the percentages of all add up to 100."""

    channel: str
    tickets: int
    percent: int


class Rating(_Value):
    """One rating, with its words when the desk was asked for them."""

    at: datetime
    ticket_id: str
    number: int
    link: str
    rating: str
    reply_id: str | None
    agent_id: str | None
    agent_name: str | None = None
    has_words: bool
    words: str | None = None
    event_id: str


class Day(_Value):
    """The figures of one local day; over all days they add up to the figures."""

    day: str
    figures: dict[str, Figure]


class _Page(_Value):
    """`revision` rises with every change of its figures; 0: nothing is known yet. `as_of` None: likewise."""

    revision: int
    as_of: AsOf | None
    behind: Behind


class Overview(_Page):
    """A contact's or account's page. `contacts`: those merged into one, or an account's associates.

    An account's associates are those who are at it, of very many the first, and those whose tickets are shown.
    """

    key: str
    figures: dict[str, Figure]
    donut: list[Slice]
    activity: list[Activity]
    ratings: list[Rating]
    contacts: list[str]


class Scorecard(_Page):
    """An agent's figures, and by day."""

    key: str
    agent_name: str | None = None
    figures: dict[str, Figure]
    trend: list[Day]


class Headquarters(_Page):
    """The desk, its teams and its agents. Each team is the sum of its `members` (agent id → figures; "": nobody's).

    `names`: what the desk calls the agents; empty where nobody asked the desk.
    """

    desk: dict[str, Figure]
    teams: dict[str, dict[str, Figure]]
    agents: dict[str, dict[str, Figure]]
    members: dict[str, dict[str, dict[str, Figure]]]
    names: dict[str, str] = {}


class Numbers(_Page):
    """All figures of a key, with what each of them counts."""

    key: str
    figures: dict[str, Figure]
    contacts: list[str] | None = None
    definitions: dict[str, FigureDefinition]


class Trend(_Value):
    """The local days from `first` to `last` on which anything happened."""

    key: str
    first: str
    last: str
    days: list[Day]


class Definitions(_Value):
    """What every figure counts and what not, by `<id>@<version>`."""

    definitions: dict[str, FigureDefinition]


class Why(_Value):
    """A page of what adds to a figure. Over all pages `n` adds up to its count and `sum` to its sum.

    `next`: where the next page begins (`after`); None: this was the last. A page may be short, or empty, and not the
    last: a page ends when it is full or so many tickets have been looked at.
    """

    key: str
    figure: str
    definition: str
    shares: list[Share]
    next: str | None
