"""Which sending part a chat has."""

from bus.reply import Reply
from ingest.chat.settings import ChatSettings
from ingest.contract import Place, Refused, Sender


def chat_sender(settings: ChatSettings, place: Place) -> Sender:
    """By its provider. Raises ConfigError."""
    match settings.provider:
        case "window":
            from ingest.chat.sender import WindowSender

            return WindowSender(settings, place.live)
        case "telegram":
            from ingest.chat.telegram import TelegramSender

            return TelegramSender(settings)
        case "sms":
            from ingest.chat.sms import SmsSender

            return SmsSender(settings)
        case _:
            return ListenedToOnly(settings.provider)


class ListenedToOnly:
    """Sender (ingest.contract) where nothing is answered: whoever wrote a reply is told so at once."""

    idempotent = True

    def __init__(self, provider: str) -> None:
        self._provider = provider

    async def send(self, reply: Reply) -> str:  # noqa: ARG002  # whatever it is
        """See Sender."""
        raise Refused(f"nothing is sent by {self._provider}; answer there, or by mail")

    async def close(self) -> None:
        """Nothing is open."""
