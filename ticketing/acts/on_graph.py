"""What agents do to the graph by hand: merge, split, move, and take each of them back. Pure.

Every act is told as events and leaves its mark — a pointer, a moved message, a cut — so that messages that come
later, and readings that are repeated, honour it.
"""

from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, NamedTuple

from bus.errors import Invalid
from bus.message import AutomationKind, Channel
from bus.model import Wire
from bus.ticket_event import Actor, TicketEventType
from bus.ticket_event_data import ConfirmationSuppressed, MessageMoved, Opened, Split, Unmerged, Updated
from ticketing.acts.act import Act
from ticketing.cuts import Cut, CutKind, inherited
from ticketing.merging import absorb, is_of
from ticketing.status import reopen
from ticketing.tickets import Requester, Ticket

_DESK = Actor(kind="system")


@dataclass(frozen=True, slots=True)
class Member:
    """A filed message as acts see it, with its author's contact as it is today.

    `opens`: it may open a ticket, and counts; `ticket_id`: where it was filed.
    """

    id: str
    ticket_id: str
    opens: bool
    automation: AutomationKind
    attachments: int
    occurred_at: datetime
    received_at: datetime
    is_root: bool
    contact_id: str | None
    account_id: str | None
    channel: Channel
    account: str
    subject: str | None
    language: str | None


class Left(NamedTuple):
    """What agents have added to one ticket."""

    answers: int
    files: int


@dataclass(slots=True)
class Region:
    """The tickets that an act concerns, with all that was merged into them, their messages, and every cut at them.

    `roots`: the survivors it concerns; of those at the other side of their cuts the tickets alone are there.
    `left`: of tickets, by where it was left, how many answers and files agents have added. `aims`: the tickets or
    messages that the act names, as ids in its order; `fresh`: id and number of a ticket to open.
    """

    tickets: dict[str, Ticket]
    members: dict[str, Member]
    cuts: Collection[Cut] = ()
    roots: frozenset[str] = frozenset()
    left: Mapping[str, Left] = field(default_factory=dict)
    aims: Sequence[str] = ()
    fresh: tuple[str, int] | None = None

    @property
    def concerned(self) -> list[Ticket]:
        """The survivors it concerns."""
        return [self.tickets[id_] for id_ in sorted(self.roots)]


@dataclass(slots=True)
class Acted:
    """What is to be written. `lifted`: cuts that are there no more; `marked`: of each moved message what to keep."""

    opened: list[Ticket] = field(default_factory=list)
    changed: dict[str, Ticket] = field(default_factory=dict)
    moved: dict[str, str] = field(default_factory=dict)
    marked: dict[str, dict[str, object]] = field(default_factory=dict)
    cuts: list[Cut] = field(default_factory=list)
    lifted: list[Cut] = field(default_factory=list)


class Acting:
    """One act on a region. Each method raises Invalid, with words for whoever acts, when it cannot be done."""

    def __init__(self, region: Region, act: Act, now: datetime) -> None:
        self.done = Acted()
        self._tickets = region.tickets
        self._members = dict(region.members)
        self._cuts = list(region.cuts)
        self._left = region.left
        self._act = act
        self._now = now

    def root(self, ticket_id: str) -> Ticket:
        """The ticket at the end of the mergers."""
        ticket = self._tickets[ticket_id]
        while ticket.merged_into is not None:
            ticket = self._tickets[ticket.merged_into]
        return ticket

    def merge(self, one_id: str, other_id: str) -> Ticket:
        """Two tickets become that with the lower number; no cut between them remains."""
        one, other = self.root(one_id), self.root(other_id)
        if one is other:
            raise Invalid(
                f"tickets {self._tickets[one_id].number} and {self._tickets[other_id].number} are one already"
            )
        ticket, absorbed = (one, other) if one.number < other.number else (other, one)
        self._lift(lambda cut: {self.root(cut.older).id, self.root(cut.younger).id} == {one.id, other.id})
        absorb(ticket, absorbed, self._act, actor=self._act.actor, at=self._now, now=self._now)
        self.done.changed |= {absorbed.id: absorbed, ticket.id: ticket}
        if absorbed.status != "closed":
            reopen(ticket, self._act, by="agent", actor=self._act.actor, at=self._now, now=self._now)
        self._settle(ticket)
        return ticket

    def unmerge(self, ticket_id: str) -> Ticket:
        """A ticket that was merged is by itself again, with what was in it and in those merged into it before."""
        ticket = self._tickets[ticket_id]
        if ticket.merged_into is None:
            raise Invalid(f"ticket {ticket.number} is not merged into another one")
        survivor = self.root(ticket_id)
        ticket.merged_into = None
        self._tell(ticket, "ticket.unmerged", Unmerged(ticket_id=survivor.id, number=survivor.number))
        self._tell(survivor, "ticket.unmerged", Unmerged(ticket_id=ticket.id, number=ticket.number))
        self._cut(survivor, ticket, "unmerged", self._act.key)
        self._settle(survivor)
        self._settle(ticket)
        return ticket

    def split(self, message_ids: Sequence[str], new: tuple[str, int], *, wrong: bool = False) -> Ticket:
        """Some of a ticket's messages become a ticket of their own. `new`: its id and number; `wrong`: they never
        belonged where they were."""
        moving = sorted({id_: self._members[id_] for id_ in message_ids}.values(), key=lambda m: (m.received_at, m.id))
        roots = {self.root(member.ticket_id).id for member in moving}
        if len(roots) != 1:
            raise Invalid("the messages are not in one ticket")
        old = self.root(moving[0].ticket_id)
        if len(moving) == len(self._of(old)):
            raise Invalid(f"these are all messages of ticket {old.number}; at least one has to stay")
        first = next((member for member in moving if member.opens), moving[0])
        id_, number = new
        ticket = Ticket(
            id=id_,
            number=number,
            contact_id=first.contact_id or old.contact_id,
            account_id=first.account_id if first.contact_id else old.account_id,
            channel=first.channel,
            account=first.account,
            subject=first.subject,
            language=first.language,
            opened_at=first.occurred_at,
            last_message_at=first.occurred_at,
            updated_at=self._now,
            requester=_requester(first) if first.opens else None,
            department=old.department,
        )
        self._tickets[id_] = ticket
        self.done.opened.append(ticket)
        opened = Opened(channel=first.channel, account=first.account, language=first.language, split_from=old.number)
        self._tell(ticket, "ticket.opened", opened, at=first.occurred_at)
        split = Split(ticket_id=id_, number=number, message_ids=[member.id for member in moving], wrong_ticket=wrong)
        self._tell(old, "ticket.split", split)
        kind: CutKind = "wrong_ticket" if wrong else "split"
        for member in moving:
            self._put(member, old, ticket, kind)
        silent = ConfirmationSuppressed(reason="split")
        ticket.tell("ticket.confirmation_suppressed", silent, self._act, at=self._now, now=self._now, actor=_DESK)
        self._cut(old, ticket, kind, self._act.key)
        self._settle(old)
        self._settle(ticket)
        return ticket

    def unsplit(self, ticket_id: str) -> Ticket:
        """What was split off goes back to where it was split off."""
        ticket = self.root(ticket_id)
        for cut in self._cuts:
            if (
                cut.kind in ("split", "wrong_ticket")
                and cut.younger == ticket_id
                and self.root(cut.older) is not ticket
            ):
                return self.merge(cut.older, ticket_id)
        raise Invalid(f"ticket {ticket.number} was not split off another one")

    def move(self, message_id: str, ticket_id: str) -> Ticket:
        """One message goes to another ticket; moved back, it is as if it had never been moved."""
        member, ticket = self._members[message_id], self.root(ticket_id)
        old = self.root(member.ticket_id)
        if old is ticket:
            raise Invalid(f"the message is in ticket {ticket.number} already")
        cause = f"move:{message_id}"
        ends = {old.id, ticket.id}
        back = [c for c in self._cuts if c.cause == cause and {self.root(c.older).id, self.root(c.younger).id} == ends]
        out = MessageMoved(message_id=message_id, ticket_id=ticket.id, number=ticket.number, direction="out")
        self._tell(old, "ticket.message_moved", out)
        self._put(member, old, ticket, "moved")
        if back:
            self._lift(lambda cut: cut.cause == cause)
        else:
            older, younger = sorted((old, ticket), key=lambda t: t.number)
            self._cut(older, younger, "moved", cause)
        self._settle(old)
        self._settle(ticket)
        return ticket

    def revoke_tokens(self, ticket_id: str, most: int) -> Ticket:
        """No reply token of the ticket, nor of those merged into it, is good any more; new ones are."""
        ticket = self.root(ticket_id)
        group = [each for each in self._tickets.values() if self.root(each.id) is ticket]
        if any(each.token_generation >= most for each in group):
            raise Invalid(f"the tokens of ticket {ticket.number} were revoked {most} times; split it or merge it")
        for each in group:
            each.token_generation += 1
            changed: list[object] = [each.token_generation - 1, each.token_generation]
            self._tell(each, "ticket.updated", Updated(fields={"token_generation": changed}))
        return ticket

    def _put(self, member: Member, old: Ticket, ticket: Ticket, act: CutKind) -> None:
        moved = MessageMoved(
            message_id=member.id,
            ticket_id=old.id,
            number=old.number,
            direction="in",
            channel=member.channel,
            automation=member.automation,
            occurred_at=member.occurred_at,
        )
        self._tell(ticket, "ticket.message_moved", moved)
        self._members[member.id] = replace(member, ticket_id=ticket.id)
        self.done.moved[member.id] = ticket.id
        self.done.marked[member.id] = {"act": act, "from": old.number, "to": ticket.number}

    def _cut(self, older: Ticket, younger: Ticket, kind: CutKind, cause: str) -> None:
        elders = {self.root(cut.older).id for cut in self._cuts if self.root(cut.younger) is older}
        self.done.cuts += inherited(Cut(older.id, younger.id, kind, cause), sorted(elders - {younger.id}))

    def _lift(self, which: Callable[[Cut], bool]) -> None:
        self.done.lifted += [cut for cut in self._cuts if which(cut)]

    def _of(self, ticket: Ticket) -> list[Member]:
        return [member for member in self._members.values() if self.root(member.ticket_id) is ticket]

    def _settle(self, ticket: Ticket) -> None:
        """Counts, times and requester, from the messages that are in the ticket now."""
        openers = [member for member in self._of(ticket) if member.opens]
        left = [each for id_, each in self._left.items() if self.root(id_) is ticket]
        ticket.messages = len(openers)
        ticket.attachments = sum(member.attachments for member in openers) + sum(each.files for each in left)
        ticket.replies = sum(each.answers for each in left)
        if not openers:
            ticket.requester = None
            return
        ticket.opened_at = min(member.occurred_at for member in openers)
        ticket.last_message_at = max(member.occurred_at for member in openers)
        if ticket.requester is None:  # an agent has said whose it is
            return
        first = min((_requester(member) for member in openers), key=lambda r: r.rank)
        if is_of(ticket, first, self._act, actor=self._act.actor, at=self._now, now=self._now):
            self._changed(ticket)

    def _changed(self, ticket: Ticket) -> None:
        if ticket not in self.done.opened:
            self.done.changed[ticket.id] = ticket

    def _tell(
        self, ticket: Ticket, type_: TicketEventType, data: Wire | dict[str, Any], *, at: datetime | None = None
    ) -> None:
        self._changed(ticket)
        ticket.tell(type_, data, self._act, at=at or self._now, now=self._now, actor=self._act.actor)


def _requester(member: Member) -> Requester:
    return Requester(member.id, member.contact_id or "", member.received_at, member.is_root, member.account_id)
