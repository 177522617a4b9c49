"""What acts need to know of the desk beside its tickets: settings as values."""

from dataclasses import dataclass, field

from bus.settings import RatingSettings, Settings
from ticketing.confirm import Confirming
from ticketing.own import own_addresses
from ticketing.policy import Policy, policy_of
from ticketing.service_levels import NOTHING_PROMISED, ServiceLevels, levels_of
from ticketing.tokens import load_tokens


@dataclass(frozen=True, slots=True)
class Desk:
    """`confirming` holds the desk's name, keys and words; `policy` which connector is of which department; `ratings`
    where customers rate, and how long they may; `levels` what is promised."""

    confirming: Confirming
    policy: Policy
    ratings: RatingSettings = field(default_factory=RatingSettings)
    levels: ServiceLevels = NOTHING_PROMISED


def desk_of(settings: Settings) -> Desk:
    """The desk as it is configured. Raises ConfigError for a setting that cannot be used."""
    own = frozenset(own_addresses(settings))
    confirming = Confirming(settings.desk, load_tokens(settings.data), settings.confirmations, own)
    policy = policy_of(settings.threading, settings.desk)
    return Desk(confirming, policy, settings.ratings, levels_of(settings))
