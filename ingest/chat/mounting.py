"""The routes of a chat from its settings."""

from collections.abc import Sequence

from bus.configured_calendars import working_hours
from ingest.chat.posts import ChatPosts
from ingest.chat.settings import DAY, ChatSettings
from ingest.chat.socket import ChatSocket
from ingest.chat.talk import Talk
from ingest.chat.tokens import SessionTokens
from ingest.chat.window import ChatWindow
from ingest.contract import Place
from ingest.intake.origins import Origins
from ingest.intake.route import ClosedRoute, Route, SocketRoute
from ingest.own_key import own_key


def chat_routes(settings: ChatSettings, place: Place) -> Sequence[Route]:
    """Closed while nobody could be told from a stranger. Raises ConfigError."""
    window = settings.provider == "window"
    if settings.missing:
        why = "which sites have the chat?" if window else "without it anybody could send messages"
        where = "/socket" if window else "/webhook"
        return [ClosedRoute(where, f"[connectors.{place.name}] {settings.missing}: {why}")]
    if window:
        return _window(settings, place)
    from ingest.chat.webhook import webhook_route

    return [webhook_route(settings, place)]


def _window(settings: ChatSettings, place: Place) -> Sequence[Route]:
    name = place.name
    keys = [own_key(settings.session_secret, place.data / "chat-keys", name)]
    if settings.session_secret_previous is not None:
        keys.append(settings.session_secret_previous.get_secret_value().encode())
    talk = Talk(
        name,
        SessionTokens(name, keys, settings.session_days * DAY),
        place.live,
        identity_secrets=settings.identity_secrets,
        hours=working_hours(f"connectors.{name}.hours", settings.hours) if settings.hours else None,
        max_files=settings.max_files,
    )
    origins = Origins(settings.allowed_origins)
    return [
        SocketRoute("/socket", ChatSocket(talk), origins),
        *ChatPosts(talk, place.blobs, settings.max_file_bytes).routes(origins),
        *ChatWindow(settings, talk).routes(origins),
    ]
