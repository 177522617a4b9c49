"""What acts need to know of the desk beside its tickets: settings as values."""

from dataclasses import dataclass

from bus.settings import Settings
from ticketing.confirm import Confirming
from ticketing.own import own_addresses
from ticketing.policy import Policy, policy_of
from ticketing.tokens import load_tokens


@dataclass(frozen=True, slots=True)
class Desk:
    """`confirming` holds the desk's name, keys and words; `policy` which connector is of which department."""

    confirming: Confirming
    policy: Policy


def desk_of(settings: Settings) -> Desk:
    """The desk as it is configured. Raises ConfigError for a setting that cannot be used."""
    own = frozenset(own_addresses(settings))
    confirming = Confirming(settings.desk, load_tokens(settings.data), settings.confirmations, own)
    return Desk(confirming, policy_of(settings.threading, settings.desk))
