"""What a batch does to the desk. Pure: what is known goes in, time and ids are arguments, a Decision comes out."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from bus.reply import Reply
from bus.ticket_event import (
    Absorbed,
    Actor,
    ConfirmationSuppressed,
    Confirmed,
    DeliveryUpdated,
    MatchSummary,
    MessageReceived,
    MessageRevised,
    Opened,
    OtherTicket,
    Updated,
)
from ticketing.arrivals import Arrivals
from ticketing.components import Component
from ticketing.confirm import Opening, Suppressed
from ticketing.contacts import Contacts, created, grown
from ticketing.decision import Decision, FiledMessage, Known
from ticketing.delivery import after_bounce
from ticketing.graph import Graph
from ticketing.incoming import Incoming
from ticketing.match import NO_MATCH, Place, place
from ticketing.outbox import Told
from ticketing.tickets import Requester, Ticket

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

    def __call__(self, components: Sequence[Component], arrivals: Arrivals) -> Decision:
        """Decide component by component, then revisions."""
        self._places = {m.id: place(m, self._graph) for component in components for m in component.fresh}
        for component in components:
            if component.tickets or component.opens:
                self._file(component)
            else:
                self._set_aside(component)
        for filed in self.decision.messages:
            self._bounce(filed.message)
        self._revise(arrivals.revised)
        self._tell_of_contacts()
        return self.decision

    def _tell_of_contacts(self) -> None:
        contacts, decision = self._contacts, self.decision
        for filed in decision.messages:
            if filed.message.opens:
                contacts.hear(filed.message)
        decision.contacts, decision.accounts = contacts.new, contacts.accounts
        decision.assertions, decision.languages = list(contacts.assertions.values()), contacts.languages
        decision.grown = {id_: contacts.about(id_).version for id_ in contacts.grown}
        decision.contact_events = [created(contact, self._now) for contact in contacts.new]
        for id_, message in contacts.grown.items():
            decision.contact_events.append(grown(id_, decision.grown[id_], message, self._now))

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
            ticket = self._open(cause, first)
            waiting = [message for message in component.fresh if message is not cause]
        for message in waiting:
            self._keep(message, ticket.id, None, self._places[message.id])
            self._receive(ticket, message, self._places[message.id])
        for group in component.automatic:
            for message, found in self._known.automatic[group]:
                self.decision.attached[message.id] = ticket.id
                self._receive(ticket, message, Place(found, is_root=False, third_party=False))
        self._settle_requester(ticket, component, cause)

    def _open(self, message: Incoming, requester: Requester) -> Ticket:
        at = message.occurred_at
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
        )
        self.decision.opened.append(ticket)
        # within its own batch others may name it already; it opened the ticket all the same
        here = replace(self._places[message.id], match=NO_MATCH)
        self._keep(message, ticket.id, None, here)
        opened = Opened(channel=message.channel, account=message.account, language=message.language)
        ticket.tell(
            "ticket.opened", opened, message, at=at, now=self._now, actor=Actor(kind="customer", id=ticket.contact_id)
        )
        self._receive(ticket, message, here)
        self._confirm_to(ticket, message)
        return ticket

    def _confirm_to(self, ticket: Ticket, message: Incoming) -> None:
        about = self._contacts.about(ticket.contact_id)
        opening = Opening(
            ticket_id=ticket.id,
            number=ticket.number,
            channel=message.channel,
            account=message.account,
            author=message.author,
            language=message.language,
            source_id=message.answerable or "",
            automation=message.automation,
            now=self._now,
            received_at=message.received_at,
            declared=message.declared,
            earlier=about.language,
            known=about.known_before(self._now),
            subject=message.subject,
            words=message.words,
            chain=message.chain,
            origin=message.origin,
        )
        reply = self._confirm(opening)
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
            other.merged_into = ticket.id
            into = OtherTicket(into=ticket.id, number=ticket.number)
            other.tell("ticket.merged", into, cause, at=at, now=self._now, actor=_THREADING)
            absorbed = Absorbed(ticket_id=other.id, number=other.number)
            ticket.tell("ticket.absorbed", absorbed, cause, at=at, now=self._now, actor=_THREADING)
            ticket.messages += other.messages
            ticket.attachments += other.attachments
            ticket.opened_at = min(ticket.opened_at, other.opened_at)
            ticket.last_message_at = max(ticket.last_message_at, other.last_message_at)
        if any(other.status != "closed" for other in others):
            self._reopen(ticket, cause, "rule", _THREADING, at)
        return ticket

    def _receive(self, ticket: Ticket, message: Incoming, here: Place) -> None:
        received = MessageReceived(
            message_id=message.id,
            source_id=message.source_id,
            channel=message.channel,
            account=message.account,
            author_kind=message.author.kind,
            verified=message.author.verified,
            automation=message.automation,
            sent_at=message.sent_at,
            received_at=message.received_at,
            visibility=message.visibility,
            third_party=here.third_party,
            match=MatchSummary(
                rule=here.match.rule,
                confidence=here.match.confidence,
                evidence=sorted({kind for kind, _ in here.match.evidence}),
            ),
            attachments=message.attachments,
        )
        at = message.occurred_at
        actor = Actor(kind="customer", id=self._contacts.of(message)) if message.opens else _DESK
        ticket.tell("ticket.message_received", received, message, at=at, now=self._now, actor=actor)
        if not message.opens:
            return
        ticket.messages += 1
        ticket.attachments += message.attachments
        ticket.opened_at = min(ticket.opened_at, at)
        ticket.last_message_at = max(ticket.last_message_at, at)
        if message.automation == "human":
            self._reopen(ticket, message, "customer", actor, at)

    def _reopen(self, ticket: Ticket, cause: Incoming, by: str, actor: Actor, at: datetime) -> None:
        if ticket.status != "closed":
            return
        ticket.status, ticket.closed_at = "open", None
        data = {"by": by, "message_id": cause.id}
        ticket.tell("ticket.reopened", data, cause, at=at, now=self._now, actor=actor)

    def _settle_requester(self, ticket: Ticket, component: Component, cause: Incoming) -> None:
        """The author of the earliest root, of everything that has come together."""
        candidates = [self._requester(message) for message in component.fresh if message.opens]
        for id_ in component.tickets:
            again = self._known.candidates.get(id_)
            own = self._known.tickets[id_].requester
            candidates += again if again is not None else [own] if own else []
        if not candidates or (ticket.requester is None and component.tickets):
            return
        first = min(candidates, key=lambda r: r.rank)
        ticket.requester = first
        if first.contact_id == ticket.contact_id:
            return
        fields: dict[str, list[object] | None] = {"contact_id": [ticket.contact_id, first.contact_id]}
        if first.account_id != ticket.account_id:
            fields["account_id"] = [ticket.account_id, first.account_id]
        ticket.contact_id, ticket.account_id = first.contact_id, first.account_id
        at = cause.received_at
        ticket.tell("ticket.updated", Updated(fields=fields), cause, at=at, now=self._now, actor=_THREADING)

    def _requester(self, message: Incoming) -> Requester:
        root = self._places[message.id].is_root
        contact = self._contacts.of(message)
        return Requester(message.id, contact, message.received_at, root, self._contacts.about(contact).account_id)

    def _keep(self, message: Incoming, ticket_id: str | None, group: str | None, here: Place) -> None:
        contact_id = self._contacts.own(message) if message.opens else None
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

    def _revise(self, revised: Mapping[str, Sequence[Incoming]]) -> None:
        """Tell what became of messages already told of; never opens, reopens or confirms."""
        where = {filed.message.id: filed.ticket_id for filed in self.decision.messages}
        where |= {id_: filed.ticket_id for id_, filed in self._known.filed.items()}
        for id_, versions in revised.items():
            ticket_id = where[id_] or self.decision.attached.get(id_)
            if ticket_id is None:
                continue
            ticket = self._ticket(self.decision.absorbed.get(ticket_id, ticket_id))
            for message in versions:
                data = MessageRevised(message_id=id_, revision=message.revision, change=message.change)
                actor = Actor(kind="customer", id=ticket.contact_id)
                at = message.occurred_at
                ticket.tell("ticket.message_revised", data, message, at=at, now=self._now, actor=actor)

    def _ticket(self, id_: str) -> Ticket:
        opened = next((ticket for ticket in self.decision.opened if ticket.id == id_), None)
        if opened is not None:
            return opened
        return self.decision.changed.setdefault(id_, self._tickets[id_])
