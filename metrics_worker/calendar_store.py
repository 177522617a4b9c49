"""The calendars as configured, and as they have been used: every version that figures were measured with is kept."""

import json
from collections import defaultdict
from dataclasses import replace

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bus.calendars import STANDARD, Calendar, Calendars
from bus.configured_calendars import configured
from bus.errors import ConfigError
from bus.settings import Settings

_READ = sa.text("SELECT id, version, valid_from, document FROM metrics.calendars ORDER BY id, valid_from, version")

# the first calendars of a database hold for all that was ever recorded, later ones from now on
_REGISTER = sa.text("""
    INSERT INTO metrics.calendars (id, version, valid_from, document)
    SELECT n.id, n.version,
           CASE WHEN EXISTS (SELECT FROM metrics.calendars)
                THEN (extract(epoch FROM clock_timestamp()) * 1000000)::bigint ELSE 0 END, n.document
    FROM unnest(CAST(:ids AS text[]), CAST(:versions AS int[]), CAST(:documents AS text[])) AS n(id, version, document)
    ON CONFLICT DO NOTHING
""")


async def register(connection: AsyncConnection, settings: Settings) -> Calendars:
    """Keep the configured calendars from now on, and return all that are kept.

    Raises ConfigError when one is not possible, or was changed without another version.
    """
    wanted = configured(settings)
    await connection.execute(sa.text("LOCK TABLE metrics.calendars IN SHARE ROW EXCLUSIVE MODE"))
    await connection.execute(
        _REGISTER,
        {
            "ids": [each.id for each in wanted.values()],
            "versions": [each.version for each in wanted.values()],
            "documents": [_document(each) for each in wanted.values()],
        },
    )
    kept = await read(connection, settings.desk.calendar)
    for calendar in wanted.values():
        versions = kept.known[calendar.id]
        if next(each for each in versions if each.version == calendar.version) != _since(calendar, versions):
            raise ConfigError(
                f"[calendars.{calendar.id}]: version {calendar.version} has been used with other hours, holidays or "
                f"another zone; give the new ones version = {max(each.version for each in versions) + 1}"
            )
        if versions[-1].version != calendar.version:
            raise ConfigError(
                f"[calendars.{calendar.id}]: version {calendar.version} was followed by {versions[-1].version}; "
                f"to go back to its hours give them version = {max(each.version for each in versions) + 1}"
            )
    return kept


async def keep_only(connection: AsyncConnection, calendars: Calendars) -> None:
    """From now on only these have ever been in force: the past was measured again with them."""
    await connection.execute(sa.text("DELETE FROM metrics.calendars"))
    kept = [calendar for versions in calendars.known.values() for calendar in versions]
    for calendar in kept:
        await connection.execute(
            sa.text("INSERT INTO metrics.calendars VALUES (:id, :version, :valid_from, :document)"),
            {
                "id": calendar.id,
                "version": calendar.version,
                "valid_from": calendar.valid_from,
                "document": _document(calendar),
            },
        )


def present(calendars: Calendars) -> Calendars:
    """The newest version of the desk's own calendar, as if it had always been in force."""
    newest = replace(calendars.known[calendars.desk][-1], valid_from=0)
    return Calendars(calendars.desk, {**calendars.known, calendars.desk: (newest,)})


async def read(connection: AsyncConnection, desk: str) -> Calendars:
    """All calendars that are kept; `desk` names the desk's own."""
    known: defaultdict[str, list[Calendar]] = defaultdict(list)
    for id_, version, valid_from, document in await connection.execute(_READ):
        known[id_].append(_calendar(id_, version, valid_from, document))
    if desk not in known:
        known[desk] = [STANDARD]  # nothing has been measured yet
    return Calendars(desk, {id_: tuple(versions) for id_, versions in known.items()})


def _since(calendar: Calendar, versions: tuple[Calendar, ...]) -> Calendar:
    """The calendar as if it had been in force since its version is; with the public holidays that were known then.

    What was measured stays so: whoever wants the days that a newer list of the same region has, raises the version.
    """
    kept = next(each for each in versions if each.version == calendar.version)
    public = kept.public if calendar.region == kept.region else calendar.public
    return replace(calendar, valid_from=kept.valid_from, public=public)


def _document(calendar: Calendar) -> str:
    said: dict[str, object] = {"zone": calendar.zone, "week": calendar.week, "holidays": sorted(calendar.holidays)}
    if calendar.region is not None:
        said |= {"region": calendar.region, "public": sorted(calendar.public)}
    return json.dumps(said)


def _calendar(id_: str, version: int, valid_from: int, document: str) -> Calendar:
    found = json.loads(document)
    week = tuple(tuple((begin, end) for begin, end in day) for day in found["week"])
    return Calendar(
        id_,
        version,
        found["zone"],
        week,
        frozenset(found["holidays"]),
        valid_from,
        found.get("region"),
        frozenset(found.get("public", ())),
    )
