"""`forum`: a Discourse forum, by webhook and poll; answers are posts."""

from collections.abc import Sequence

from ingest.contract import Connector, Place, Receiver, Sender
from ingest.forum.settings import ForumSettings
from ingest.intake.route import Route
from ingest.providers.record import thread_of


def _receiver(settings: ForumSettings, place: Place) -> Receiver:
    from ingest.forum.poll import ForumCursor, ForumPoller
    from ingest.polling import Polling

    return Polling(ForumPoller(place.name, settings), ForumCursor, place, every=settings.poll_every)


def _sender(settings: ForumSettings, place: Place) -> Sender:
    from ingest.forum.sender import ForumSender

    return ForumSender(settings, place.blobs)


def _web(settings: ForumSettings, place: Place) -> Sequence[Route]:
    from ingest.forum.webhook import forum_routes

    return forum_routes(settings, place)


FORUM = Connector(
    name="forum",
    channel="forum",
    settings=ForumSettings,
    raw_key=thread_of,
    receiver=_receiver,
    sender=_sender,
    web=_web,
)
