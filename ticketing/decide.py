"""What a batch does to the desk. Pure: what is known goes in, time and ids are arguments, a Decision comes out."""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from datetime import datetime

from bus.reply import Reply
from bus.ticket_event import Actor
from bus.ticket_event_data import ConfirmationSuppressed, Confirmed, DeliveryUpdated, MessageRevised, Opened, Updated
from ticketing.arrivals import Arrivals, Revision
from ticketing.components import Component
from ticketing.confirm import Opening, Suppressed
from ticketing.contacts import Contacts
from ticketing.cuts import Cut, inherited
from ticketing.decide_people import tell_of_people
from ticketing.decision import Decision, FiledMessage, Known
from ticketing.delivery import after_bounce
from ticketing.ends import LaterEnd
from ticketing.graph import Graph
from ticketing.incoming import Incoming
from ticketing.match import NEW_TICKET, Match, Place, aside, place
from ticketing.merging import absorb, is_of
from ticketing.opening import opening
from ticketing.outbox import Told
from ticketing.ratings.in_chat import rate
from ticketing.received import count, message_received
from ticketing.reopening import reopens
from ticketing.status import By, reopen
from ticketing.suggestions import possible_replies
from ticketing.tickets import Cause, Requester, Ticket

_THREADING = Actor(kind="rule", id="threading")
_DESK = Actor(kind="system")


class Deciding:
    """One batch's decision in the making."""

    def __init__(
        self,
        known: Known,
        graph: Graph,
        confirm: Callable[[Opening], Reply | Suppressed],
        mint: Callable[[], str],
        now: datetime,
    ) -> None:
        self.decision = Decision()
        self._known = known
        self._tickets = {id_: replace(t, history=[], told_by=Counter()) for id_, t in known.tickets.items()}
        self._graph = graph
        self._places: dict[str, Place] = {}
        self._confirm = confirm
        self._mint = mint
        self._now = now
        self._numbers = iter(known.numbers)
        self._deliveries = dict(known.deliveries)
        self._contacts = Contacts(known.contacts, mint, known.people)

    def __call__(self, components: Sequence[Component], arrivals: Arrivals, ends: Sequence[LaterEnd] = ()) -> Decision:
        """Decide component by component, then what is told later of filed messages, then revisions."""
        self._places = {m.id: place(m, self._graph) for component in components for m in component.fresh}
        for component in components:
            if component.tickets or component.opens:
                self._file(component)
            else:
                self._set_aside(component)
        for filed in self.decision.messages:
            self._bounce(filed.message)
        self._correct(ends)
        self._revise(arrivals)
        for message in arrivals.aside:
            self._keep(message, None, None, aside(message))
        tell_of_people(self.decision, self._contacts, self._known.filed, self._now)
        return self.decision

    def _set_aside(self, component: Component) -> None:
        """Machines' mail that refers to no ticket: into the list of automatic mail."""
        group = min((*component.automatic, *(message.id for message in component.fresh)))
        for other in component.automatic:
            if other != group:
                self.decision.regrouped[other] = group
        for message in component.fresh:
            self._keep(message, None, group, self._places[message.id])

    def _file(self, component: Component) -> None:
        cause = component.fresh[0]
        if component.tickets:
            ticket = self._survivor(component, cause)
            waiting = list(component.fresh)
        else:
            first = min(
                (self._requester(message) for message in component.fresh if message.opens), key=lambda r: r.rank
            )
            cause = next(message for message in component.fresh if message.id == first.message_id)
            ticket = self._open(cause, first, component)
            waiting = [message for message in component.fresh if message is not cause]
        for message in waiting:
            self._keep(message, ticket.id, None, self._places[message.id])
            self._receive(ticket, message, self._places[message.id])
        for group in component.automatic:
            for message, found in self._known.automatic[group]:
                self.decision.attached[message.id] = ticket.id
                self._receive(ticket, message, Place(found, is_root=False, acquainted=True))
        self._settle_requester(ticket, component, cause)

    def _open(self, message: Incoming, requester: Requester, component: Component) -> Ticket:
        at = message.occurred_at
        followed = [self._known.tickets[id_] for id_ in component.follows]
        follows = min(followed, key=lambda t: t.number) if followed else None
        ticket = Ticket(
            id=self._mint(),
            number=next(self._numbers),
            contact_id=requester.contact_id,
            account_id=requester.account_id,
            channel=message.channel,
            account=message.account,
            subject=message.subject,
            language=message.language,
            opened_at=at,
            last_message_at=at,
            updated_at=self._now,
            requester=requester,
            follows=follows.id if follows else None,
            possible_reply_to=None if follows else self._possible_reply_to(component),
            department=self._graph.policy.department(message.account),
            priority=message.priority or "normal",
            category=message.category,
        )
        self.decision.opened.append(ticket)
        for older in followed:
            cut = Cut(older.id, ticket.id, "follow_up", message.id)
            self.decision.cuts += inherited(cut, self._known.elders.get(older.id, ()))
        here = self._places[message.id]
        if follows:  # whoever it was to the old ticket, the new one is its author's own
            here = replace(here, acquainted=True)
        else:  # within its own batch others may name it already; it opened the ticket all the same
            found = here.match
            here = replace(here, match=Match(NEW_TICKET, "none", (), found.tried, found.warnings))
        self._keep(message, ticket.id, None, here)
        opened = Opened(
            channel=message.channel,
            account=message.account,
            language=message.language,
            priority=message.priority or "normal",
            category=message.category,
            possible_reply_to=ticket.possible_reply_to,
            follows=follows.number if follows else None,
        )
        ticket.tell(
            "ticket.opened", opened, message, at=at, now=self._now, actor=Actor(kind="customer", id=ticket.contact_id)
        )
        self._receive(ticket, message, here)
        self._confirm_to(ticket, message)
        return ticket

    def _possible_reply_to(self, component: Component) -> int | None:
        ids = (id_ for message in component.fresh for id_ in possible_replies(message, self._graph))
        return next((self._known.numbers_of[id_] for id_ in ids if id_ in self._known.numbers_of), None)

    def _confirm_to(self, ticket: Ticket, message: Incoming) -> None:
        about = self._contacts.about(ticket.contact_id)
        reply = self._confirm(opening(ticket, message, about, self._now))
        if isinstance(reply, Suppressed):
            reason = ConfirmationSuppressed(reason=reply.reason)
            ticket.tell("ticket.confirmation_suppressed", reason, message, at=self._now, now=self._now, actor=_DESK)
            return
        self.decision.replies.append(Told(reply, message.traceparent))
        self.decision.words[reply.reply_id] = message.words
        confirmed = Confirmed(reply_id=reply.reply_id)
        ticket.tell("ticket.confirmed", confirmed, message, at=self._now, now=self._now, actor=_DESK)

    def _survivor(self, component: Component, cause: Incoming) -> Ticket:
        """The ticket with the lowest number; the others are merged into it."""
        ticket, *others = sorted((self._tickets[id_] for id_ in component.tickets), key=lambda t: t.number)
        self.decision.changed[ticket.id] = ticket
        at = cause.received_at
        for other in others:
            self.decision.changed[other.id] = other
            self.decision.absorbed[other.id] = ticket.id
            absorb(ticket, other, cause, actor=_THREADING, at=at, now=self._now)
            ticket.messages += other.messages
            ticket.attachments += other.attachments
            ticket.replies += other.replies
            ticket.opened_at = min(ticket.opened_at, other.opened_at)
            ticket.last_message_at = max(ticket.last_message_at, other.last_message_at)
        if any(other.status != "closed" for other in others):
            self._reopen(ticket, cause, "rule", _THREADING, at)
        return ticket

    def _receive(self, ticket: Ticket, message: Incoming, here: Place) -> None:
        received = message_received(message, here.match, third_party=here.third_party)
        at = message.occurred_at
        actor = _DESK
        if message.opens:
            actor = Actor(kind="agent" if message.by_agent else "customer", id=self._contacts.of(message))
        elif message.by_staff:
            actor = Actor(kind="agent")
        ticket.tell("ticket.message_received", received, message, at=at, now=self._now, actor=actor)
        if (rated := rate(ticket, message, self._known.answered.get(ticket.id), self._now)) is not None:
            self.decision.rated.append(rated)
        if not message.opens:
            return
        count(ticket, message)
        if reopens(message):
            self._reopen(ticket, message, "customer", actor, at)

    def _reopen(self, ticket: Ticket, cause: Incoming, by: By, actor: Actor, at: datetime) -> None:
        reopen(ticket, cause, by=by, actor=actor, at=at, now=self._now, message_id=cause.id)

    def _settle_requester(self, ticket: Ticket, component: Component, cause: Incoming) -> None:
        """The author of the earliest root, of everything that has come together."""
        candidates = [self._requester(message) for message in component.fresh if message.opens]
        for id_ in component.tickets:
            again = self._known.candidates.get(id_)
            own = self._known.tickets[id_].requester
            candidates += again if again is not None else [own] if own else []
        if not candidates or (ticket.requester is None and component.tickets):
            return
        self._is_requester(ticket, min(candidates, key=lambda r: r.rank), cause, cause.received_at)

    def _is_requester(self, ticket: Ticket, first: Requester, cause: Cause, at: datetime) -> None:
        is_of(ticket, first, cause, actor=_THREADING, at=at, now=self._now)

    def _requester(self, message: Incoming) -> Requester:
        root = self._places[message.id].is_root
        contact = self._contacts.of(message)
        return Requester(message.id, contact, message.received_at, root, self._contacts.about(contact).account_id)

    def _keep(self, message: Incoming, ticket_id: str | None, group: str | None, here: Place) -> None:
        somebody = message.opens and message.aside in (None, "feedback")
        contact_id = self._contacts.own(message) if somebody else None
        self.decision.messages.append(FiledMessage(message, ticket_id, group, contact_id, here))

    def _bounce(self, message: Incoming) -> None:
        """Mark the delivery that a bounce answers, in the history of the ticket that it was written in."""
        delivery = self._deliveries.get(message.failed) if message.failed and not message.forged else None
        after = after_bounce(delivery, message.status, self._now) if delivery else None
        if message.failed is None or after is None:
            return
        self._deliveries[message.failed] = after
        self.decision.bounced.append(after)
        ticket = self._ticket(after.ticket_id)
        data = DeliveryUpdated(reply_id=after.reply_id, state="bounced", reason=after.reason)
        at = message.occurred_at
        ticket.tell("ticket.delivery_updated", data, message, at=at, now=self._now, actor=_DESK)

    def _correct(self, ends: Sequence[LaterEnd]) -> None:
        """What a late message says of those that named it, and whose author they did not know."""
        self.decision.ends = list(ends)
        for end in ends:
            kind, _, id_ = end.group.partition(":")
            if kind != "ticket" or end.third_party == end.told:
                continue
            ticket = self._ticket(self.decision.absorbed.get(id_, id_))
            data = Updated(fields={"third_party": [end.told, end.third_party]}, message_id=end.message_id)
            at = end.by.received_at
            ticket.tell("ticket.updated", data, end.by, at=at, now=self._now, actor=_THREADING)

    def _revise(self, arrivals: Arrivals) -> None:
        """Tell what became of messages already told of; never opens, reopens or confirms."""
        where = {id_: filed.ticket_id for id_, filed in self._known.filed.items()}
        where |= {filed.message.id: filed.ticket_id for filed in self.decision.messages}
        for id_, revisions in arrivals.revised.items():
            ticket_id = where[id_] or self.decision.attached.get(id_)
            if ticket_id is None:
                continue
            ticket = self._ticket(self.decision.absorbed.get(ticket_id, ticket_id))
            for revision in revisions:
                message = revision.message
                data = MessageRevised(message_id=id_, revision=message.revision, change=message.change)
                actor = Actor(kind="customer", id=ticket.contact_id)
                # what it says of its time is when it was written first
                at = message.received_at
                ticket.tell("ticket.message_revised", data, revision, at=at, now=self._now, actor=actor)
            if id_ in arrivals.named:
                self._name(ticket, arrivals.later[id_], revisions[-1])

    def _name(self, ticket: Ticket, message: Incoming, revision: Revision) -> None:
        """Who wrote it is known only now, and who wrote the first one is the requester."""
        self.decision.authors.append((self._contacts.own(message), message))
        self._contacts.hear(message)
        if ticket.requester is None or ticket.requester.message_id != message.id:
            return
        contact = self._contacts.of(message)
        account = self._contacts.about(contact).account_id
        requester = replace(ticket.requester, contact_id=contact, account_id=account)
        self._is_requester(ticket, requester, revision, revision.message.received_at)

    def _ticket(self, id_: str) -> Ticket:
        opened = next((ticket for ticket in self.decision.opened if ticket.id == id_), None)
        if opened is not None:
            return opened
        return self.decision.changed.setdefault(id_, self._tickets[id_])
