"""What the desk knows and the figures do not: who agents are, and what people wrote beside a rating."""

from collections.abc import Collection, Mapping
from typing import Protocol, TypeVar

from metrics_worker.pages import Headquarters, Overview, Scorecard

Page = TypeVar("Page", Overview, Scorecard, Headquarters)


class Desk(Protocol):
    """Asked by the routes; the composition root brings it, because figures and desk do not know each other."""

    async def knows(self, key: str) -> bool:
        """Whether there is such a contact, account or agent (`contact:<id>` …), with figures or not."""
        ...

    async def agents(self, ids: Collection[str]) -> Mapping[str, str]:
        """Names by agent id, of those who have one."""
        ...

    async def words(self, event_ids: Collection[str]) -> Mapping[str, str]:
        """What was written beside ratings, by the id of the event that told of the rating."""
        ...


class NoDesk:
    """A desk that is not asked."""

    async def knows(self, key: str) -> bool:  # noqa: ARG002  # the form of it
        """Nobody."""
        return False

    async def agents(self, ids: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002  # likewise
        """Nobody's."""
        return {}

    async def words(self, event_ids: Collection[str]) -> Mapping[str, str]:  # noqa: ARG002  # likewise
        """None."""
        return {}


async def named(desk: Desk, page: Page) -> Page:
    """The page with the names and words that the desk adds."""
    if isinstance(page, Headquarters):
        everyone = {*page.agents, *(agent for members in page.members.values() for agent in members if agent)}
        return page.model_copy(update={"names": dict(await desk.agents(everyone))})
    if isinstance(page, Scorecard):
        agent = page.key.removeprefix("agent:")
        return page.model_copy(update={"agent_name": (await desk.agents([agent])).get(agent)})
    names = await desk.agents({each.agent_id for each in (*page.activity, *page.ratings) if each.agent_id})
    words = await desk.words([each.event_id for each in page.ratings if each.has_words])
    return page.model_copy(
        update={
            "activity": [
                each.model_copy(update={"agent_name": names.get(each.agent_id or "")}) for each in page.activity
            ],
            "ratings": [
                each.model_copy(
                    update={"agent_name": names.get(each.agent_id or ""), "words": words.get(each.event_id)}
                )
                for each in page.ratings
            ],
        }
    )
