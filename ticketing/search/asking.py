"""How tickets with some words are found, by looking through them and by looking them up (ticketing.api.ticket_list)."""

from typing import Final

WALK: Final = 3_000
"""So many tickets are looked through first."""

IN_IT: Final = (
    "EXISTS (SELECT 1 FROM desk.ticket_words s WHERE s.ticket_id = t.id AND s.words @@ CAST(:words AS tsquery))"
)
"""The condition over `desk.tickets t` for looking through."""
BY_INDEX: Final = "t.id IN (SELECT s.ticket_id FROM desk.ticket_words s WHERE s.words @@ CAST(:words AS tsquery))"
"""The same for looking up."""
