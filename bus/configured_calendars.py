"""The calendars of the settings, as values: hours, zone, and holidays, those of a country too."""

from collections.abc import Mapping
from functools import lru_cache
from zoneinfo import ZoneInfo

from bus.calendars import ALWAYS, STANDARD, Calendar, spans
from bus.errors import ConfigError
from bus.settings import Settings, WorkingHours

_DAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_YEARS = range(2020, 2046)
"""For which public holidays are looked up."""


def configured(settings: Settings) -> Mapping[str, Calendar]:
    """The calendars of the settings; `standard` is there in any case. Raises ConfigError."""
    found = {
        id_: working_hours(f"calendars.{id_}", section, id_=id_, version=section.version)
        for id_, section in settings.calendars.items()
    }
    found.setdefault(STANDARD.id, STANDARD)
    if settings.desk.calendar not in found:
        raise ConfigError(f"[desk] calendar: there is no [calendars.{settings.desk.calendar}]")
    return found


def with_always(calendars: Mapping[str, Calendar]) -> Mapping[str, Calendar]:
    """These, and the one that never rests; a configured `always` goes first."""
    return {ALWAYS.id: ALWAYS, **calendars}


def working_hours(where: str, section: WorkingHours, *, id_: str = "", version: int = 1) -> Calendar:
    """The calendar of a section; `where` names it in errors. Raises ConfigError."""
    region = section.public_holidays
    try:
        ZoneInfo(section.zone)
        week = tuple(spans(getattr(section, day)) for day in _DAYS)
        public = _public_holidays(region) if region else frozenset[str]()
    except (ValueError, KeyError, OSError, NotImplementedError) as error:
        raise ConfigError(f"[{where}]: {error}") from None
    return Calendar(id_, version, section.zone, week, frozenset(section.holidays), region=region, public=public)


@lru_cache(maxsize=8)
def _public_holidays(region: str) -> frozenset[str]:
    """Their dates. Raises NotImplementedError for a region that nobody keeps a list of."""
    import holidays

    country, _, part = region.partition("-")
    found = holidays.country_holidays(country, subdiv=part or None, years=_YEARS)
    return frozenset(day.isoformat() for day in found)
