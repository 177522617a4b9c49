"""By which connector agents are written to."""

from bus.errors import ConfigError
from bus.settings import Settings


def notifying_via(settings: Settings) -> str | None:
    """The configured one, else the first mail connector; None when nothing is to be sent. Raises ConfigError."""
    types = {name: str(section.get("type", "")) for name, section in settings.connectors.items()}
    mailing = [name for name, type_ in types.items() if type_.startswith("email")]
    named = settings.notifications.via
    if named is not None and named not in mailing:
        raise ConfigError(f"[notifications] via: there is no mail connector {named}")
    return (named or next(iter(mailing), None)) if settings.notifications.send else None
