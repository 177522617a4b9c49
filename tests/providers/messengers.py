"""Chats of others: Telegram's Bot API, Twilio's Messages, Slack's and Webex's signatures, Webex's messages."""

import contextlib
import hashlib
import hmac
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from email.utils import format_datetime
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.serving import Fault, Faulty, fields, served
from tests.providers.telephony import twilio

BOT, WEBHOOK = "7000:bot-token-of-the-shop", "telegram-webhook-secret"
SID, AUTH = "AC0123456789abcdef", "twilio-auth-token"
OURS, CUSTOMER = "+4930555100", "+491701234567"
SIGNING = "slack-signing-secret"
WEBEX, WEBEX_TOKEN = "webex-webhook-secret", "webex-bot-token"
JSON = {"content-type": "application/json"}
Delivery = tuple[Mapping[str, str], bytes]


class Telegram:
    """One bot. `sent`: what it was told to send, in order."""

    def __init__(self) -> None:
        self.url = ""
        self.faulty: Faulty
        self.sent: list[dict[str, Any]] = []
        self.file = b"\xff\xd8\xff" + b"p" * 500
        self._updates = itertools.count(1)
        self._messages = itertools.count(100)

    def write(self, text: str, *, chat: int = 42, **more: Any) -> Delivery:  # noqa: ANN401  # any key of a message
        """The webhook of somebody's message."""
        message = {
            "message_id": next(self._messages), "date": int(time.time()), "text": text,
            "chat": {"id": chat, "type": "private", "first_name": "Ana"},
            "from": {"id": chat, "is_bot": False, "first_name": "Ana", "language_code": "en"}, **more,
        }  # fmt: skip
        return self.update({"message": message})

    def update(self, update: Mapping[str, Any]) -> Delivery:
        """The webhook of any update."""
        body = json.dumps({"update_id": next(self._updates), **update}).encode()
        return JSON | {"x-telegram-bot-api-secret-token": WEBHOOK}, body

    def limit(self, seconds: int) -> None:
        """The next message is one too many."""
        told = {"ok": False, "error_code": 429, "description": "Too Many Requests: retry after",
                "parameters": {"retry_after": seconds}}  # fmt: skip
        self.faulty.faults.append(Fault("POST /", 429, json.dumps(told).encode(), JSON))

    async def send(self, request: Request) -> Response:
        told = await request.json()
        if not 1 <= len(told["text"].encode("utf-16-le")) // 2 <= 4096:
            return _refused(400, "Bad Request: message is too long")
        if told["chat_id"] == 403:
            return _refused(403, "Forbidden: bot was blocked by the user")
        self.sent.append(told)
        return JSONResponse({"ok": True, "result": {"message_id": next(self._messages), "text": told["text"]}})

    async def get_file(self, request: Request) -> Response:
        path = {"photo-1": "photos/file_1.jpg", "climbing": "../../secret"}.get(request.query_params["file_id"])
        if path is None:
            return _refused(400, "Bad Request: invalid file_id")
        size = 50_000_000 if request.query_params["file_id"] == "film" else len(self.file)
        return JSONResponse({"ok": True, "result": {"file_path": path, "file_size": size}})

    async def download(self, _: Request) -> Response:
        return Response(self.file)


@contextlib.contextmanager
def telegram() -> Iterator[Telegram]:
    """A running Bot API."""
    bot = Telegram()
    routes = [
        Route(f"/bot{BOT}/sendMessage", bot.send, methods=["POST"]),
        Route(f"/bot{BOT}/getFile", bot.get_file),
        Route(f"/file/bot{BOT}/photos/file_1.jpg", bot.download),
    ]
    with served(Starlette(routes=routes)) as (bot.url, bot.faulty):
        yield bot


class Twilio:
    """One account's messages, the newest last."""

    def __init__(self) -> None:
        self.url = ""
        self.faulty: Faulty
        self.messages: list[dict[str, Any]] = []
        self._numbers = itertools.count(1)

    def write(self, text: str, url: str, *, sender: str = CUSTOMER, **more: str) -> tuple[Delivery, str]:
        """The webhook of somebody's SMS, at this address of ours, and its SID."""
        sid = f"SM{next(self._numbers):032}"
        told = {"MessageSid": sid, "AccountSid": SID, "From": sender, "To": OURS, "Body": text, "NumMedia": "0"}
        return twilio(told | more, AUTH, url), sid

    async def create(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Basic {b64encode(f'{SID}:{AUTH}'.encode()).decode()}":
            return JSONResponse({"code": 20003, "message": "Authenticate"}, 401)
        if request.method == "GET":
            to = request.query_params["To"]
            found = [each for each in reversed(self.messages) if each["to"] == to]
            return JSONResponse({"messages": found})
        told = await fields(request)
        if len(told["Body"]) > 1_600:
            return JSONResponse({"code": 21617, "message": "The concatenated message body exceeds the limit"}, 400)
        if told["To"] == "+10000000000":
            return JSONResponse({"code": 21610, "message": "Attempt to send to unsubscribed recipient"}, 400)
        message = {
            "sid": f"SM{next(self._numbers):032}", "body": told["Body"], "to": told["To"], "from": told["From"],
            "status": "queued", "date_created": format_datetime(datetime.now(UTC)),
        }  # fmt: skip
        self.messages.append(message)
        return JSONResponse(message, 201)


@contextlib.contextmanager
def messages() -> Iterator[Twilio]:
    """A running Messages API."""
    account = Twilio()
    route = Route(f"/2010-04-01/Accounts/{SID}/Messages.json", account.create, methods=["GET", "POST"])
    with served(Starlette(routes=[route])) as (account.url, account.faulty):
        yield account


def slack(body: Mapping[str, Any] | bytes, *, at: float | None = None, key: str = SIGNING) -> Delivery:
    """A signed request of Slack's."""
    data = body if isinstance(body, bytes) else json.dumps(body).encode()
    stamp = str(int(time.time() if at is None else at))
    digest = hmac.new(key.encode(), b"v0:" + stamp.encode() + b":" + data, hashlib.sha256).hexdigest()
    return JSON | {"x-slack-request-timestamp": stamp, "x-slack-signature": f"v0={digest}"}, data


def slack_message(text: str, ts: str = "1770000000.000100", **more: Any) -> dict[str, Any]:  # noqa: ANN401
    """An event of it."""
    event = {"type": "message", "channel": "D1", "channel_type": "im", "user": "U1", "text": text, "ts": ts, **more}
    return {"type": "event_callback", "team_id": "T1", "api_app_id": "A1", "event_id": "Ev1", "event": event}


def webex(body: Mapping[str, Any], *, key: str = WEBEX) -> Delivery:
    """A signed request of Webex's."""
    data = json.dumps(body).encode()
    digest = hmac.new(key.encode(), data, hashlib.sha1).hexdigest()
    return JSON | {"x-spark-signature": digest}, data


def webex_notice(id_: str = "message-1") -> dict[str, Any]:
    """That there is a message."""
    data = {"id": id_, "roomId": "room-1", "roomType": "direct", "personId": "person-1",
            "personEmail": "ana@customer.example", "created": "2026-03-01T12:30:00Z"}  # fmt: skip
    return {"id": "hook-1", "resource": "messages", "event": "created", "data": data}


class Webex:
    """One message."""

    def __init__(self) -> None:
        self.url = ""
        self.faulty: Faulty

    async def message(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {WEBEX_TOKEN}":
            return Response(status_code=401)
        return JSONResponse(webex_notice(request.path_params["id"])["data"] | {"text": "Is the tea organic?"})


@contextlib.contextmanager
def webex_messages() -> Iterator[Webex]:
    """A running one."""
    there = Webex()
    with served(Starlette(routes=[Route("/v1/messages/{id}", there.message)])) as (there.url, there.faulty):
        yield there


def _refused(status: int, description: str) -> Response:
    return JSONResponse({"ok": False, "error_code": status, "description": description}, status)
