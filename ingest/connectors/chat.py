"""`chat`: a window on the website, or Telegram, SMS, Slack or Webex."""

from collections.abc import Sequence

from bus.raw import RawMessage
from ingest.chat.settings import ChatSettings
from ingest.contract import Connector, Place, Receiver, Sender
from ingest.intake.route import Route
from ingest.providers.record import thread_of


def _conversation(raw: RawMessage) -> str:
    """The key of a record: the window's session, or the provider's conversation."""
    return raw.headers.get(":session") or thread_of(raw)


def _receiver(settings: ChatSettings, place: Place) -> Receiver:
    from ingest.chat.listening import HearingTheDesk
    from ingest.live_replies import LiveReplies

    # providers hand on what is sent to them, so that nobody listens here
    return HearingTheDesk(place.live if settings.provider == "window" else LiveReplies())


def _sender(settings: ChatSettings, place: Place) -> Sender:
    from ingest.chat.sending import chat_sender

    return chat_sender(settings, place)


def _web(settings: ChatSettings, place: Place) -> Sequence[Route]:
    from ingest.chat.mounting import chat_routes

    return chat_routes(settings, place)


CHAT = Connector(
    name="chat",
    channel="chat",
    settings=ChatSettings,
    raw_key=_conversation,
    receiver=_receiver,
    sender=_sender,
    web=_web,
)
