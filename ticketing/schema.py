"""All tables of the desk: those of `tables.py`, and those that stand beside what uses them."""

from ticketing import brakes_tables as _of_brakes  # noqa: F401  # registers them
from ticketing import outbox_tables as _of_the_outbox  # noqa: F401  # registers them
from ticketing import store_states as _of_states  # noqa: F401  # registers it
from ticketing.acts import tables as _of_acts  # noqa: F401  # registers them
from ticketing.api import tables as _of_the_api  # noqa: F401  # registers them
from ticketing.notifications import tables as _of_notifications  # noqa: F401  # registers them
from ticketing.people import tables as _of_people  # noqa: F401  # registers them
from ticketing.ratings import tables as _of_ratings  # noqa: F401  # registers it
from ticketing.search import tables as _of_the_search  # noqa: F401  # registers them
from ticketing.tables import metadata

__all__ = ["metadata"]
