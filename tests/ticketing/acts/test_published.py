"""What is done while Kafka is away stands in the outbox, and on the topics when it is back: exactly, and once."""

import json
from datetime import timedelta

import pytest

from bus import topics
from bus.progress import Moving
from bus.reply import Reply
from tests.conftest import Stack
from tests.ticketing.by_hand import Acts, people
from tests.ticketing.filing.said import CONFIRMING, START, record, said
from tests.ticketing.relay.desk import desk, relaying, until
from ticketing import outbox_tables
from ticketing.filing import Filing

pytestmark = pytest.mark.stack


class _Anywhere:
    def moving(self, batch: object) -> Moving:  # noqa: ARG002  # its form
        """This test reads no topic."""
        return Moving("SELECT WHERE false", {"topics": ()})


async def test_acts_need_no_kafka_and_reach_it_when_it_is_there(stack: Stack) -> None:
    async with desk(stack) as of:
        await Filing(of.engine, _Anywhere(), CONFIRMING)([record(said("a"))])
        await people(of.engine, "agent-2")
        ticket = 0
        for n, (name, given) in enumerate(
            (("assign", {"owner": "agent-2"}), ("reply", {"text": "Yes."}), ("comment", {"text": "x"}), ("close", {}))
        ):
            acts = Acts(of.engine, f"key-{n}", "agent-1", START + timedelta(hours=1))
            for _ in range(2):  # whoever acts repeats it, as nobody may have heard of it
                done = await acts.do(name, 1, **given)
            ticket = done.version
        async with relaying(of) as relay:
            await of.settle(relay)

        async def whole() -> bool:  # a transaction's markers may come a moment after its end
            return len(await of.read(topics.TICKET_EVENTS)) == ticket

        await until(whole)
        published = [each.value for each in await of.read(topics.TICKET_EVENTS)]
        stored = await of.documents(outbox_tables.ticket_events)
        assert [each and each.decode() for each in published] == stored
        events = [json.loads(each or b"{}") for each in published]
        assert [event["version"] for event in events] == list(range(1, ticket + 1))
        assert [event["type"].removeprefix("ticket.") for event in events][3:] == [
            "assigned",
            "replied",
            "commented",
            "closed",
        ]
        assert {event["actor"]["id"] for event in events[3:]} == {"agent-1"}
        states = [json.loads(each.value or b"{}") for each in await of.read(topics.TICKET_STATE)]
        assert (states[-1]["version"], states[-1]["status"], states[-1]["owner_id"]) == (ticket, "closed", "agent-2")
        replies = [Reply.from_json(each.value or b"") for each in await of.read(topics.replies_topic("email"))]
        assert [reply.purpose for reply in replies] == ["confirmation", "reply"]
        assert replies[-1].text.startswith("Yes.")
