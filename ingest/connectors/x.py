"""`x`: mentions on X, by poll and webhook; answers are posts."""

from collections.abc import Sequence

from ingest.contract import Connector, Place, Receiver, Sender
from ingest.intake.route import Route
from ingest.providers.files import Files
from ingest.providers.record import thread_of
from ingest.x.settings import XSettings


def _receiver(settings: XSettings, place: Place) -> Receiver:
    from ingest.polling import Polling
    from ingest.x.budget import Budget
    from ingest.x.calls import CallAlarm
    from ingest.x.poll import XCursor, XPoller

    alarm = CallAlarm(place) if settings.webhook else None
    poller = XPoller(place.name, settings, Budget(place, settings, "reading"), _files(settings, place), alarm)
    return Polling(poller, XCursor, place, every=poller.pace)


def _sender(settings: XSettings, place: Place) -> Sender:
    from ingest.x.budget import Budget
    from ingest.x.sender import XSender

    return XSender(settings, Budget(place, settings, "sending"), place.blobs)


def _web(settings: XSettings, place: Place) -> Sequence[Route]:
    from ingest.x.webhook import x_routes

    return x_routes(settings, place, _files(settings, place))


def _files(settings: XSettings, place: Place) -> Files | None:
    if not settings.fetch_media:
        return None
    return Files(place.blobs, hosts=settings.media_hosts, inside=settings.inside, most=40)


X = Connector(
    name="x",
    channel="x",
    settings=XSettings,
    raw_key=thread_of,
    receiver=_receiver,
    sender=_sender,
    web=_web,
)
