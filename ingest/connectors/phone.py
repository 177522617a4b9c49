"""`phone`: events of calls, posted by a telephone system. Answers go by mail (`reply_via`)."""

from collections.abc import Sequence

from ingest.contract import Connector, Place
from ingest.intake.route import Route
from ingest.phone.settings import PhoneSettings
from ingest.providers.record import thread_of


def _web(settings: PhoneSettings, place: Place) -> Sequence[Route]:
    from ingest.phone.webhook import phone_routes

    return phone_routes(settings, place)


PHONE = Connector(name="phone", channel="phone", settings=PhoneSettings, raw_key=thread_of, web=_web)
