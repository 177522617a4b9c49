"""The two errors that carry the whole error policy (docs/adr/0003)."""


class Retryable(Exception):
    """It did not work now and may work later: back off, repeat, then crash with nothing committed."""


class Invalid(Exception):
    """This record can never be handled: park it among the dead letters and go on."""


class Fenced(Exception):
    """Another owner has taken over: drop what is in hand and join the group again."""


class ConfigError(Exception):
    """A setting is wrong. The text is one line that names the setting and says what to do."""
