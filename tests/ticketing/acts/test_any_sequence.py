"""Whatever agents do between whatever customers write: versions without gaps, one state, and figures that agree."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import Invalid
from bus.ticket_event import TicketEvent
from tests.metrics_worker.in_memory import Memory
from tests.ticketing.by_hand import DESK
from tests.ticketing.filing.memory import MemoryDesk
from tests.ticketing.filing.said import START, said
from tests.ticketing.threading.conversations import decoded
from ticketing.acts.act import Act
from ticketing.acts.answered import Correspondence, LastMessage, Sender
from ticketing.acts.close import Closing
from ticketing.acts.kind import ActKind
from ticketing.acts.on_graph import Member, Region
from ticketing.acts.scene import Scene
from ticketing.acts.table import ACTS
from ticketing.people.policy import Role, Who
from ticketing.policy import Policy

KINDS = {kind.name: kind for kind in ACTS}
WHO = Who("agent-1", "Sue", frozenset({Role.AGENT}))
LAST = LastMessage("email", "support-mail", "email", "ann@x.example", None, "private", "m@x")
KNOWN = Correspondence(LAST, ("ann@x.example",), (), Sender())
FACTS: dict[str, Any] = {"reply": KNOWN, "close": Closing(KNOWN, asked=False), "add-attachment": False}
GIVEN: dict[str, dict[str, Any]] = {
    "reply": {"text": "Yes."},
    "comment": {"text": "x"},
    "update": {"priority": "high", "tags": ["a"]},
    "assign": {"owner": "agent-2"},
    "escalate": {"team": "t"},
    "add-participant": {"address": "carol@y.example"},
    "remove-participant": {"address": "carol@y.example"},
    "add-attachment": {"name": "f", "media_type": "text/plain", "blob": f"sha256/{'a' * 64}", "size": 1},
}
ON_ONE = sorted(GIVEN.keys() | {"hold", "close", "reopen", "mark-spam", "unmark-spam"})

write = st.tuples(st.just("write"), st.sampled_from(["ann@x.example", "bob@x.example"]), st.integers(0, 3))
act = st.tuples(st.sampled_from(ON_ONE), st.integers(0, 3), st.just(0))
merge = st.tuples(st.sampled_from(["merge", "unmerge"]), st.integers(0, 3), st.integers(0, 3))
steps = st.lists(st.one_of(write, act, act, merge), max_size=25)


class Both:
    """A desk in memory, on which agents act, with the figures that its events make."""

    def __init__(self) -> None:
        self.desk = MemoryDesk(START, Policy())
        self.told: list[TicketEvent] = []
        self._done = 0

    def write(self, author: str, after: int) -> None:
        """A customer writes, of his own or to an earlier mail."""
        n = self._done = self._done + 1
        names = [f"m{after}"] if f"id-m{after}" in self.desk.messages else []
        self.desk.now = START + timedelta(minutes=n)
        decision = self.desk.file(decoded([said(f"m{n}", author, *names, at=n)], Policy()))
        self.told += [told.value for told in decision.ticket_events]

    def act(self, name: str, at: int, other: int) -> None:
        """An agent acts, if there is a ticket; what cannot be done changes nothing."""
        n = self._done = self._done + 1
        standing = sorted(
            (id_ for id_, root in self.desk.survivor.items()), key=lambda id_: self.desk.tickets[id_].number
        )
        if not standing:
            return
        kind, named = KINDS[name], standing[at % len(standing)]
        fresh = {id_: replace(each, history=[], told_by=Counter()) for id_, each in self.desk.tickets.items()}
        root = self.desk.survivor[named]
        target = self.desk.survivor[standing[other % len(standing)]]
        aims = (target,) if name == "merge" else (named,)
        facts = Region(fresh, self._members(), (), frozenset(fresh), aims=aims) if kind.on_graph else FACTS.get(name)
        scene = Scene(
            ticket=fresh[root],
            who=WHO,
            act=Act(f"k{n}", "agent-1"),
            now=START + timedelta(minutes=n),
            desk=DESK,
            facts=facts,
        )
        wanted = GIVEN.get(name, {"other": 1} if name == "merge" else {})
        try:
            kind.decide(scene, kind.input(**wanted))
        except Invalid:
            return
        self._keep(kind, scene)

    def _keep(self, kind: ActKind[Any, Any], scene: Scene[Any]) -> None:
        events = [told.value for told in scene.decision.ticket_events]
        assert events, kind.name
        self.told += events
        self.desk.tickets |= scene.decision.changed
        self.desk.events += [(event.ticket_id, event.version, event.event_id) for event in events]
        for id_ in self.desk.survivor:
            root = self.desk.tickets[id_]
            while root.merged_into is not None:
                root = self.desk.tickets[root.merged_into]
            self.desk.survivor[id_] = root.id

    def _members(self) -> dict[str, Member]:
        return {
            id_: Member(
                id_,
                str(self.desk.ticket_of[id_]),
                filed.message.opens,
                filed.message.automation,
                filed.message.attachments,
                filed.message.occurred_at,
                filed.message.received_at,
                self.desk.ends[id_][0],
                filed.contact_id,
                None,
                filed.message.channel,
                filed.message.account,
                filed.message.subject,
                None,
            )
            for id_, filed in self.desk.messages.items()
        }


@settings(max_examples=150, deadline=None)
@given(steps)
def test_any_sequence(taken: Sequence[tuple[str, Any, int]]) -> None:
    both = Both()
    for name, one, other in taken:
        if name == "write":
            both.write(one, other)
        else:
            both.act(name, one, other)
    versions: defaultdict[str, list[int]] = defaultdict(list)
    for event in both.told:
        versions[event.ticket_id].append(event.version)
    assert all(found == list(range(1, len(found) + 1)) for found in versions.values())
    assert len({event.event_id for event in both.told}) == len(both.told)
    roots = set(both.desk.survivor.values())
    for ticket in both.desk.tickets.values():
        assert ticket.version == len(versions[ticket.id])
        assert (ticket.closed_at is not None) == (ticket.status == "closed")
        assert (ticket.merged_into is None) == (ticket.id in roots)
    figures = Memory()
    figures.settle(both.told)
    counted = {name: each["value"] for name, each in figures.document("desk").items()}
    alive = [both.desk.tickets[id_] for id_ in roots if not both.desk.tickets[id_].spam]
    if not any(ticket.spam for ticket in both.desk.tickets.values()):
        assert counted.get("total", 0) == len(alive)
        assert counted.get("closed", 0) == sum(ticket.status == "closed" for ticket in alive)
        assert counted.get("open", 0) == sum(ticket.status != "closed" for ticket in alive)
    for ticket in both.desk.tickets.values():
        facts = figures.rows[ticket.id].facts
        assert (facts.owner_id, facts.team_id, facts.spam) == (ticket.owner_id, ticket.team_id, ticket.spam)
