"""The two errors that carry the whole error policy (docs/adr/0003)."""

from typing import Literal

ErrorClass = Literal["auth", "permission", "quota", "transient", "poison", "contract"]
"""What an operator does about it: sign in again; be allowed to; wait or buy more; nothing yet; look at the dead
letters; have us and the other side agree again on what is said (a setting, a certificate, a changed interface)."""


class Retryable(Exception):
    """It did not work now and may work later: back off, repeat, then crash with nothing committed.

    `kind`: what an operator does about it. `after`: seconds before which a repetition is useless, if that was said.
    """

    def __init__(self, text: str = "", *, kind: ErrorClass = "transient", after: float | None = None) -> None:
        super().__init__(text)
        self.kind: ErrorClass = kind
        self.after = after


class Invalid(Exception):
    """This record can never be handled: park it among the dead letters and go on."""


class Fenced(Exception):
    """Another owner has taken over: drop what is in hand and join the group again."""


class ConfigError(Exception):
    """A setting is wrong. The text is one line that names the setting and says what to do."""
