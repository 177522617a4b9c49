"""Why an act was not done; `bus.errors.Invalid` is the other reason: it cannot be, in words for whoever acts."""


class Unknown(Exception):
    """There is no such ticket, as far as whoever acts may know."""


class Forbidden(Exception):
    """Whoever acts may see the ticket, and not do this to it."""


class Stale(Exception):
    """The ticket has changed since whoever acts looked at it. `version`: what it is now."""

    def __init__(self, version: int) -> None:
        super().__init__(f"the ticket has changed meanwhile and is at version {version} now; look at it again")
        self.version = version
