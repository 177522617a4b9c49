"""What becomes of a message to a ticket that is closed: it opens it again, or a new one that is linked to it. Pure."""

from collections.abc import Mapping, Sequence

from ticketing.components import Component
from ticketing.edges import reached
from ticketing.graph import Graph, ticket_group
from ticketing.incoming import Incoming
from ticketing.policy import Policy
from ticketing.tickets import Ticket


def reopens(message: Incoming) -> bool:
    """Whether it opens a closed ticket again: a customer's does, a machine's, a list's and an agent's do not."""
    return message.automation == "human" and not message.by_agent


def late(message: Incoming, ticket: Ticket, policy: Policy) -> bool:
    """Whether it comes after the ticket's reopen window, so that it is a new matter."""
    rule = policy.reopens(ticket.account)
    return (
        ticket.status == "closed"
        and ticket.closed_at is not None
        and rule.after == "new_ticket"
        and message.received_at > ticket.closed_at + rule.window
    )


def overdue(component: Component, tickets: Mapping[str, Ticket], policy: Policy) -> bool:
    """Whether all its tickets are closed, and every customer's message in it comes too late to open one again."""
    customers = [message for message in component.fresh if reopens(message)]
    return bool(customers and component.tickets) and all(
        late(message, tickets[id_], policy) for message in customers for id_ in component.tickets
    )


def take_up(
    component: Component, tickets: Mapping[str, Ticket], followers: Mapping[str, Sequence[str]], graph: Graph
) -> list[Component]:
    """An overdue component without its customers' messages, and these: for a new ticket that follows the closed ones.

    If there is such a ticket already they go there. `followers`: of each closed ticket, the newest first. What
    machines write to the closed ticket is filed in it all the same.
    """
    closed = {ticket_group(id_) for id_ in component.tickets}
    stay = tuple(m for m in component.fresh if not reopens(m) and closed & set().union(*reached(m, graph, ())))
    go = tuple(m for m in component.fresh if m not in stay)
    there = next(
        (
            follower
            for id_ in component.tickets
            for follower in followers.get(id_, ())
            if not any(late(message, tickets[follower], graph.policy) for message in go if reopens(message))
        ),
        None,
    )
    following = Component(go, (there,) if there else (), component.automatic, () if there else component.tickets)
    return [Component(stay, component.tickets, ()), following] if stay else [following]


def united(components: Sequence[Component]) -> list[Component]:
    """Components that came to share a ticket, as one."""
    found: list[Component] = []
    for component in components:
        same = [each for each in found if set(each.tickets) & set(component.tickets)]
        found = [each for each in found if each not in same]
        parts = [*same, component]
        found.append(
            Component(
                tuple(message for part in parts for message in part.fresh),
                tuple(sorted({id_ for part in parts for id_ in part.tickets})),
                tuple(sorted({group for part in parts for group in part.automatic})),
                component.follows,
            )
        )
    return found
