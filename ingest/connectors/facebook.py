"""`facebook`: posts and comments on a page, by webhook and poll; answers are comments."""

from collections.abc import Sequence

from ingest.contract import Connector, Place, Receiver, Sender
from ingest.facebook.settings import FacebookSettings
from ingest.intake.route import Route
from ingest.providers.record import thread_of


def _receiver(settings: FacebookSettings, place: Place) -> Receiver:
    from ingest.facebook.poll import FacebookCursor, FacebookPoller
    from ingest.facebook.token import TokenWatch
    from ingest.polling import Polling

    poller = FacebookPoller(place.name, settings, TokenWatch(settings, place))
    return Polling(poller, FacebookCursor, place, every=settings.poll_every)


def _sender(settings: FacebookSettings, place: Place) -> Sender:
    from ingest.facebook.sender import FacebookSender

    return FacebookSender(settings, place.blobs)


def _web(settings: FacebookSettings, place: Place) -> Sequence[Route]:
    from ingest.facebook.webhook import facebook_routes

    return facebook_routes(settings, place)


FACEBOOK = Connector(
    name="facebook",
    channel="facebook",
    settings=FacebookSettings,
    raw_key=thread_of,
    receiver=_receiver,
    sender=_sender,
    web=_web,
)
