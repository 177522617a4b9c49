"""The figures over HTTP: pages, numbers with their definitions, why a number is what it is, trends; pages also live.

Mounted beside the agents' API under `/api/v1`. Each page has a stream of server-sent events at `…/live`: an event
holds the whole page under the page's revision as its id, so that `Last-Event-ID` goes on where a connection was lost.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import date
from typing import Annotated, Any, TypeVar

from fastapi import APIRouter, Depends, Header, HTTPException, Path, Query, Request
from starlette.responses import StreamingResponse

from bus.errors import Retryable
from metrics_worker.asking import Asking, Unknown
from metrics_worker.definitions import texts
from metrics_worker.live import HEADQUARTERS, Full, Live, Watching
from metrics_worker.pages import Definitions, Headquarters, Numbers, Overview, Scorecard, Trend, Why

_MOST_DAYS = 1_100
_CLEAN = r"^[^\x00-\x1f\x7f]+$"
_KEY = r"^(desk|(contact|account|agent|team):[^\x00-\x1f\x7f]+)$"

Id = Annotated[str, Path(pattern=_CLEAN, max_length=500)]
KeyPath = Annotated[
    str, Path(pattern=_KEY, max_length=500, description="contact:<id>, account:<id>, agent:<id>, team:<id> or desk")
]
Figure = Annotated[str, Path(pattern=_CLEAN, max_length=100, description="Such as total, open or by_channel.email.")]
Limit = Annotated[int, Query(ge=1, le=500, description="So many activities and ratings, the newest.")]
LastEventId = Annotated[str | None, Header(alias="Last-Event-ID", description="The id of the last event received.")]
_DAY = {"ge": date(1970, 2, 1), "le": date(2200, 1, 1)}
First = Annotated[date | None, Query(**_DAY, description="The first local day; by default 29 days before the last.")]
Last = Annotated[date | None, Query(**_DAY, description="The last local day; by default today.")]
Answer = TypeVar("Answer")
_NOT_STORED = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}


class Stream(StreamingResponse):
    """Server-sent events. FastAPI's own of this kind begins before it is known whether there is anything to send."""

    media_type = "text/event-stream"


def _problems(**described: str) -> dict[int | str, dict[str, Any]]:
    content = {"application/problem+json": {"schema": {"type": "object"}}}
    return {int(status[1:]): {"description": text, "content": content} for status, text in described.items()}


_AWAY = "The database is away, or has no figures yet."
AWAY = _problems(_503=_AWAY)
UNKNOWN = _problems(_404="Nothing of this name is known.", _503=_AWAY)
LIVE = _problems(_404="Nothing of this name is known.", _503="The database is away, or too many look already.") | {
    200: {
        "description": "Server-sent events: the page under its revision as id; `behind` (no id) while nothing changes.",
        "content": {"text/event-stream": {"schema": {"type": "string"}}},
    }
}


def router(asking: Asking, watching: Watching, see_figures: Callable[..., Any]) -> APIRouter:
    """All routes. `see_figures`: the dependency that lets a caller in, or raises what the application answers.

    Raises HTTPException 404, 422 and 503, of which the application makes problem documents.
    """
    made = APIRouter(tags=["figures"], dependencies=[Depends(see_figures)])
    _pages(made, asking)
    _streams(made, asking, watching)
    _numbers(made, asking)
    return made


def _pages(made: APIRouter, asking: Asking) -> None:
    @made.get("/contacts/{contact}/overview", responses=UNKNOWN)
    async def contact_overview(contact: Id, limit: Limit = 100) -> Overview:
        """A contact's page: figures, the donut's slices, what happened, ratings. Merged contacts show their sum."""
        return await _answered(asking.overview(f"contact:{contact}", limit))

    @made.get("/accounts/{account}/overview", responses=UNKNOWN)
    async def account_overview(account: Id, limit: Limit = 100) -> Overview:
        """An account's page: the same over all its contacts."""
        return await _answered(asking.overview(f"account:{account}", limit))

    @made.get("/agents/{agent}/scorecard", responses=UNKNOWN)
    async def agent_scorecard(agent: Id, first: First = None, last: Last = None) -> Scorecard:
        """An agent's figures, and by day."""
        return await _answered(asking.scorecard(agent, *_period(first, last)))

    @made.get("/team/headquarters", responses=AWAY)
    async def team_headquarters() -> Headquarters:
        """The desk with its teams and agents; each team is the sum of its members."""
        return await _answered(asking.headquarters())


def _streams(made: APIRouter, asking: Asking, watching: Watching) -> None:
    def place(subject: str) -> Any:  # noqa: ANN401  # FastAPI's own
        """A dependency: a place to look at `subject` from, held until the stream has ended."""

        async def held(request: Request) -> AsyncIterator[str]:
            try:
                with watching.place(subject.format(**request.path_params)) as taken:
                    yield taken
            except Full:
                raise HTTPException(503, "too many look at live pages already", {"Retry-After": "5"}) from None

        return Depends(held)

    def stream(subject: str, last: str | None, event: str, read: Callable[[], Awaitable[Live]]) -> Stream:
        seen = int(last) if last is not None and last.isascii() and last.isdigit() else None
        return Stream(watching.stream(subject, seen, read, asking.behind, event), headers=_NOT_STORED)

    @made.get("/contacts/{contact}/overview/live", responses=LIVE, response_class=Stream)
    async def contact_overview_live(
        contact: Id,
        subject: Annotated[str, place("contact:{contact}")],
        limit: Limit = 100,
        last_event_id: LastEventId = None,
    ) -> Stream:
        """The contact's page, and again whenever it changes."""
        await _answered(asking.must_be_known(subject))
        return stream(subject, last_event_id, "overview", lambda: asking.overview(f"contact:{contact}", limit))

    @made.get("/accounts/{account}/overview/live", responses=LIVE, response_class=Stream)
    async def account_overview_live(
        account: Id,
        subject: Annotated[str, place("account:{account}")],
        limit: Limit = 100,
        last_event_id: LastEventId = None,
    ) -> Stream:
        """The account's page, and again whenever it changes."""
        await _answered(asking.must_be_known(subject))
        return stream(subject, last_event_id, "overview", lambda: asking.overview(f"account:{account}", limit))

    @made.get("/agents/{agent}/scorecard/live", responses=LIVE, response_class=Stream)
    async def agent_scorecard_live(
        agent: Id, subject: Annotated[str, place("agent:{agent}")], last_event_id: LastEventId = None
    ) -> Stream:
        """The agent's page of the last 30 days, and again whenever it changes."""
        await _answered(asking.must_be_known(subject))
        return stream(subject, last_event_id, "scorecard", lambda: asking.scorecard(agent, None, None))

    @made.get("/team/headquarters/live", responses=LIVE, response_class=Stream)
    async def team_headquarters_live(
        subject: Annotated[str, place(HEADQUARTERS)], last_event_id: LastEventId = None
    ) -> Stream:
        """The team's page, and again whenever any of its figures changes."""
        return stream(subject, last_event_id, "headquarters", asking.headquarters)


def _numbers(made: APIRouter, asking: Asking) -> None:
    @made.get("/figures")
    async def figure_definitions() -> Definitions:
        """What every figure counts and what not, in five languages."""
        return Definitions(definitions=dict(texts()))

    @made.get("/figures/{key}", responses=UNKNOWN)
    async def figures_of(key: KeyPath) -> Numbers:
        """All figures of a contact, account, agent, team or the desk, with their definitions."""
        return await _answered(asking.numbers(key))

    @made.get("/figures/{key}/trend", responses=UNKNOWN)
    async def figures_by_day(key: KeyPath, first: First = None, last: Last = None) -> Trend:
        """The same by local day; all days add up to the figures."""
        return await _answered(asking.trend(key, *_period(first, last)))

    @made.get("/figures/{key}/{figure}/why", responses=UNKNOWN)
    async def why_a_figure(
        key: KeyPath,
        figure: Figure,
        limit: Annotated[int, Query(ge=1, le=1_000, description="About so many shares.")] = 100,
        after: Annotated[
            str, Query(pattern=r"^[^\x00-\x1f\x7f]*$", max_length=500, description="`next` of the page before.")
        ] = "",
    ) -> Why:
        """Every ticket that adds to the figure, how much, and between which two events; the sum is the figure."""
        return await _answered(asking.why(key, figure, after, limit))


async def _answered(asked: Awaitable[Answer]) -> Answer:
    try:
        return await asked
    except Unknown as error:
        raise HTTPException(404, f"nothing is known of {error}") from None
    except Retryable as error:
        raise HTTPException(503, str(error), {"Retry-After": "5"}) from None


def _period(first: date | None, last: date | None) -> tuple[date | None, date | None]:
    if first is not None and last is not None and not 0 <= (last - first).days < _MOST_DAYS:
        raise HTTPException(422, f"from the first day to the last there may be 1 to {_MOST_DAYS} days")
    return first, last
