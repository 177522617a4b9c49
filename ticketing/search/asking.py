"""Finding tickets by words, fast whether a word is in every second ticket or in one of a million.

First the nearest tickets in the order asked for are looked through: a word that is in many fills the page from these,
and reading all that have it would take long. Only a word that did not is looked up by the index, where it is in few.
"""

from typing import Final

WALK: Final = 3_000
"""So many tickets are looked through first."""

IN_IT: Final = (
    "EXISTS (SELECT 1 FROM desk.ticket_words s WHERE s.ticket_id = t.id AND s.words @@ CAST(:words AS tsquery))"
)
"""The condition over `desk.tickets t` for looking through."""
BY_INDEX: Final = "t.id IN (SELECT s.ticket_id FROM desk.ticket_words s WHERE s.words @@ CAST(:words AS tsquery))"
"""The same for looking up."""
