"""Finding tickets by words, fast whether a word is in every second ticket or in one of a million."""

from typing import Final

from ticketing.search.words import query

WALK: Final = 3_000
"""So many of the newest tickets are looked through first: words that are in many fill a page from these."""

FOUND: Final = "EXISTS (SELECT 1 FROM desk.ticket_words s WHERE s.ticket_id = t.id AND s.words @@ CAST(:words AS tsquery))"
"""The condition over `desk.tickets t` that walks; FOUND_BY_INDEX is the one that goes by the words."""
FOUND_BY_INDEX: Final = (
    "t.id IN (SELECT s.ticket_id FROM desk.ticket_words s WHERE s.words @@ CAST(:words AS tsquery))"
)


def wanted(typed: str) -> str | None:
    """The query for what was typed; None when it has no words, and finds nothing."""
    return query(typed)
