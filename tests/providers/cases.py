"""The public connectors as the conformance suite sees them: what a customer does, and what arrives there."""

import itertools
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr

from ingest.connectors.chat import CHAT
from ingest.connectors.facebook import FACEBOOK
from ingest.connectors.forum import FORUM
from ingest.connectors.phone import PHONE
from ingest.connectors.x import X
from ingest.contract import Connector
from ingest.phone.who_calls import twilio_signatures
from tests.providers import discourse, facebook, messengers, telephony, x
from tests.providers.rig import Rig
from tests.providers.serving import Faulty

Delivery = tuple[Mapping[str, str], bytes]


class Case(ABC):
    """One connector and its provider. `secrets`: what must stand nowhere."""

    row: Connector[Any]
    secrets: Sequence[str]
    busy: tuple[int, bytes]
    """Status and body of "not now"."""
    refusal: tuple[int, bytes]
    """Status and body of "never"."""

    def word(self, n: int) -> str:
        """What stands in the message of what is written as the n-th."""
        return f"word-{n}"

    @property
    def faulty(self) -> Faulty:
        """Where faults are put in the provider's way."""
        raise NotImplementedError

    @abstractmethod
    def settings(self) -> dict[str, Any]: ...

    @abstractmethod
    def write(self, text: str) -> tuple[Delivery, str]:
        """A customer writes; the webhook of it, and the message's source id."""

    def write_long_ago(self) -> None:
        """What stood there before the connector did."""
        raise NotImplementedError

    def write_nonsense(self) -> None:
        """What stands there and is none of the provider's documented items."""
        raise NotImplementedError

    @abstractmethod
    def sign(self, body: bytes) -> Delivery:
        """Any body, as the provider would send it."""

    @abstractmethod
    def nonsense(self) -> Delivery:
        """A signed webhook that is none of the provider's documented ones."""

    def thread(self) -> dict[str, Any]:
        """Where an answer goes."""
        raise NotImplementedError

    def arrived(self) -> Sequence[str]:
        """The texts of what we have sent."""
        raise NotImplementedError

    def rig(self, folder: Path, after: Rig | None = None) -> Rig:
        """A process with this connector."""
        return Rig(self.row, self.settings(), folder, after=after)


@dataclass
class ForumCase(Case):
    server: discourse.Discourse
    row = FORUM
    secrets = (discourse.KEY, discourse.SECRET)
    busy = 429, b'{"errors":["slow down"],"error_type":"rate_limit","extras":{"wait_seconds":1}}'
    refusal = 422, b'{"action":"create_post","errors":["Body is too similar to what you recently posted"]}'

    @property
    def faulty(self) -> Faulty:
        return self.server.faulty

    def settings(self) -> dict[str, Any]:
        return {
            "url": self.server.url, "api_key": discourse.KEY, "api_username": discourse.USER,
            "webhook_secret": discourse.SECRET, "poll_every": 0.01,
        }  # fmt: skip

    def write(self, text: str) -> tuple[Delivery, str]:
        post = self.server.write(text)
        return self.server.webhook("post_created", post), str(post["id"])

    def write_long_ago(self) -> None:
        long_ago = "2020-01-01T00:00:00.000Z"
        self.server.write("from before", created_at=long_ago, updated_at=long_ago)

    def write_nonsense(self) -> None:
        self.server.write("nonsense", cooked=[], raw={"a": 1}, version=[], username=7)

    def sign(self, body: bytes) -> Delivery:
        return {"x-discourse-event": "post_created", **discourse.signature(body)}, body

    def nonsense(self) -> Delivery:
        return self.server.webhook("post_created", {"id": 1, "version": 1, "topic_id": [], "raw": {"a": 1}})

    def thread(self) -> dict[str, Any]:
        post = self.server.write("a question")
        return {"provider_thread": str(post["topic_id"]), "in_reply_to": str(post["id"])}

    def arrived(self) -> Sequence[str]:
        return [post["raw"] for post in self.server.of(discourse.USER)]


@dataclass
class FacebookCase(Case):
    server: facebook.Facebook
    row = FACEBOOK
    secrets = (facebook.TOKEN, facebook.APP_SECRET, facebook.VERIFY)
    busy = 400, b'{"error":{"message":"limit","type":"OAuthException","code":32}}'
    refusal = 400, b'{"error":{"message":"no","type":"OAuthException","code":100}}'

    @property
    def faulty(self) -> Faulty:
        return self.server.faulty

    def settings(self) -> dict[str, Any]:
        return {
            "page_id": facebook.PAGE, "page_token": facebook.TOKEN, "app_secret": facebook.APP_SECRET,
            "verify_token": facebook.VERIFY, "graph_url": self.server.url, "poll_every": 0.01,
        }  # fmt: skip

    def write(self, text: str) -> tuple[Delivery, str]:
        post = self.server.post(text)
        return self.server.webhook("add", post), post["id"]

    def write_long_ago(self) -> None:
        self.server.post("from before")["created_time"] = "2020-01-01T00:00:00+0000"

    def write_nonsense(self) -> None:
        self.server.post("nonsense").update({"message": {"a": 1}, "from": [], "permalink_url": 7})

    def sign(self, body: bytes) -> Delivery:
        return facebook.signature(body), body

    def nonsense(self) -> Delivery:
        return facebook.signed({"hello": "world"})

    def thread(self) -> dict[str, Any]:
        return {"provider_thread": self.server.post("a question")["id"]}

    def arrived(self) -> Sequence[str]:
        return [comment["message"] for comment in self.server.comments_of(facebook.PAGE)]


@dataclass
class XCase(Case):
    server: x.X
    row = X
    secrets = x.KEYS
    busy = 429, b'{"title":"Too Many Requests","status":429}'
    refusal = 403, b'{"title":"Forbidden","detail":"not permitted to reply","type":"about:blank","status":403}'

    @property
    def faulty(self) -> Faulty:
        return self.server.faulty

    def settings(self) -> dict[str, Any]:
        return {
            "user_id": x.OWN, "username": x.NAME, "consumer_key": x.KEYS[0], "consumer_secret": x.KEYS[1],
            "access_token": x.KEYS[2], "access_token_secret": x.KEYS[3], "webhook": True, "monthly_budget": 1000,
            "api_url": self.server.url, "poll_every": 0.01, "slowest": 0.05,
        }  # fmt: skip

    def write(self, text: str) -> tuple[Delivery, str]:
        post = self.server.write(text)
        return x.webhook(x.activity(text, post["id"])), post["id"]

    def write_long_ago(self) -> None:
        self.server.write("from before", created_at="2020-01-01T00:00:00.000Z")

    def write_nonsense(self) -> None:
        self.server.write("nonsense").update({"text": {"a": 1}, "edit_history_tweet_ids": 7})

    def sign(self, body: bytes) -> Delivery:
        return x.signature_of(body), body

    def nonsense(self) -> Delivery:
        return x.webhook({"for_user_id": x.OWN, "tweet_create_events": [7, {"text": []}]})

    def thread(self) -> dict[str, Any]:
        return {"in_reply_to": self.server.write("a question")["id"]}

    def arrived(self) -> Sequence[str]:
        return [post["text"] for post in self.server.ours]


class PhoneCase(Case):
    row = PHONE
    secrets = ("shared-with-placetel",)

    def __init__(self) -> None:
        self._calls = itertools.count(1)

    def settings(self) -> dict[str, Any]:
        return {"provider": "placetel", "signing_secret": self.secrets[0], "numbers": ["+4930555100"]}

    def write(self, text: str) -> tuple[Delivery, str]:
        call = f"call-{next(self._calls)}"
        number = text if text.startswith("+") else "0221998877"
        event = {"event": "HungUp", "type": "missed", "direction": "in", "from": number, "to": "030555100"}
        return telephony.placetel(event | {"call_id": call, "text": text}, self.secrets[0]), call

    def word(self, n: int) -> str:
        """Nobody says anything: who called."""
        return f"+4922199887{n}"

    def sign(self, body: bytes) -> Delivery:
        return telephony.placetel_signature(body, self.secrets[0]), body

    def nonsense(self) -> Delivery:
        return telephony.placetel({"hello": "world"}, self.secrets[0])


@dataclass
class SmsCase(Case):
    """SMS of Twilio's; the other chats are in test_messengers.py."""

    server: messengers.Twilio
    row = CHAT
    secrets = (messengers.AUTH,)
    busy = 429, b'{"code":20429,"message":"Too Many Requests","status":429}'
    refusal = 400, b'{"code":21610,"message":"Attempt to send to unsubscribed recipient","status":400}'

    @property
    def faulty(self) -> Faulty:
        return self.server.faulty

    def settings(self) -> dict[str, Any]:
        return {
            "provider": "sms", "token": messengers.AUTH, "account_sid": messengers.SID, "numbers": [messengers.OURS],
            "api_url": self.server.url,
        }  # fmt: skip

    def write(self, text: str) -> tuple[Delivery, str]:
        return self.server.write(text, self._url)

    def sign(self, body: bytes) -> Delivery:
        digest = twilio_signatures(SecretStr(messengers.AUTH), self._url, body)[0]
        return {"content-type": telephony.FORM, "x-twilio-signature": digest}, body

    def nonsense(self) -> Delivery:
        return self.sign(b"hello=world")

    def thread(self) -> dict[str, Any]:
        return {"provider_thread": f"sms:{messengers.OURS}:{messengers.CUSTOMER}"}

    def arrived(self) -> Sequence[str]:
        return [message["body"] for message in self.server.messages]

    _url = "https://desk.example/in/public/webhook"


@contextmanager
def _sms() -> Iterator[SmsCase]:
    with messengers.messages() as server:
        yield SmsCase(server)


@contextmanager
def _phone() -> Iterator[PhoneCase]:
    yield PhoneCase()


@contextmanager
def _forum() -> Iterator[ForumCase]:
    with discourse.discourse() as server:
        yield ForumCase(server)


@contextmanager
def _facebook() -> Iterator[FacebookCase]:
    with facebook.facebook() as server:
        yield FacebookCase(server)


@contextmanager
def _x() -> Iterator[XCase]:
    with x.x() as server:
        yield XCase(server)


CASES: Mapping[str, Callable[[], Any]] = {
    "forum": _forum,
    "phone": _phone,
    "facebook": _facebook,
    "x": _x,
    "chat": _sms,
}
