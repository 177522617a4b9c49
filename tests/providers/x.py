"""X: API v2 of one account, its rate limits and problems, and account activity."""

import contextlib
import hashlib
import hmac
import itertools
import json
import time
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any
from urllib.parse import parse_qsl, unquote

from oauthlib.oauth1.rfc5849 import signature
from oauthlib.oauth1.rfc5849.utils import parse_authorization_header
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from normalize.payload.multipart import read_multipart
from tests.providers.serving import Fault, Faulty, served

OWN, NAME = "9000", "teahouse"
KEYS = ("consumer-key", "consumer-secret", "access-token", "access-secret")


class X:
    """Posts by id, in order. Everybody mentions our account."""

    def __init__(self) -> None:
        self.posts: dict[int, dict[str, Any]] = {}
        self.media: dict[str, dict[str, Any]] = {}
        self.uploads: dict[str, bytes] = {}
        self.read = 0
        self.url = ""
        self.faulty: Faulty
        self._numbers = itertools.count(1_800_000_000_000_000_001)

    def write(self, text: str, *, author: str = "42", to: int | None = None, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any key of a post
        """A new post; `to`: the one it answers."""
        id_ = next(self._numbers)
        conversation = self.posts[to]["conversation_id"] if to in self.posts else str(to or id_)
        self.posts[id_] = {
            "id": str(id_), "text": text, "author_id": author, "conversation_id": conversation,
            "created_at": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S}.000Z", "edit_history_tweet_ids": [str(id_)], **more,
        }  # fmt: skip
        if to:
            self.posts[id_]["referenced_tweets"] = [{"type": "replied_to", "id": str(to)}]
        return self.posts[id_]

    @property
    def ours(self) -> list[dict[str, Any]]:
        """What our account has posted."""
        return [post for post in self.posts.values() if post["author_id"] == OWN]

    def limit(self, on: str, seconds: int) -> None:
        """The next such question is one too many."""
        headers = {"x-rate-limit-reset": str(int(time.time()) + seconds), "x-rate-limit-remaining": "0"}
        self.faulty.faults.append(Fault(on, 429, b'{"title":"Too Many Requests","status":429}', headers))

    def fail(self, on: str, status: int, detail: str, kind: str = "about:blank") -> None:
        """The next such question ends with this problem."""
        body = json.dumps({"title": "Problem", "detail": detail, "type": kind, "status": status}).encode()
        self.faulty.faults.append(Fault(on, status, body, {"content-type": "application/problem+json"}))

    async def mentions(self, request: Request) -> Response:
        if refused := _unsigned(request):
            return refused
        query = request.query_params
        since, until = int(query.get("since_id") or 0), int(query.get("until_id") or 10**20)
        start = query.get("start_time", "")
        found = [
            post
            for id_, post in sorted(self.posts.items(), reverse=True)
            if since < id_ < until and post["created_at"][:19] >= start[:19] and post["author_id"] != "silent"
        ]
        most = int(query["max_results"])
        assert 5 <= most <= 100
        shown = found[:most]
        self.read += len(shown)
        if not shown:
            return JSONResponse({"meta": {"result_count": 0}})
        users = [
            {"id": id_, "name": f"Person {id_}", "username": NAME if id_ == OWN else f"person{id_}"}
            for id_ in dict.fromkeys(post["author_id"] for post in shown)
        ]
        keys = {key for post in shown for key in post.get("attachments", {}).get("media_keys", [])}
        meta = {"result_count": len(shown), "newest_id": shown[0]["id"], "oldest_id": shown[-1]["id"]}
        if len(found) > most:
            meta["next_token"] = "more"
        includes = {"users": users, "media": [self.media[key] for key in sorted(keys) if key in self.media]}
        return JSONResponse({"data": shown, "includes": includes, "meta": meta})

    async def own_posts(self, request: Request) -> Response:
        return _unsigned(request) or JSONResponse({"data": list(reversed(self.ours))[:20]})

    async def create(self, request: Request) -> Response:
        if refused := _unsigned(request):
            return refused
        asked = json.loads(await request.body())
        to = int(asked["reply"]["in_reply_to_tweet_id"])
        if any(post["text"] == asked["text"] for post in self.ours):
            problem = {"detail": "You are not allowed to create a Tweet with duplicate content.", "status": 403}
            return JSONResponse(problem | {"type": "about:blank", "title": "Forbidden"}, 403)
        post = self.write(asked["text"], author=OWN, to=to)
        post["shows"] = [self.uploads[id_] for id_ in asked.get("media", {}).get("media_ids", [])]
        return JSONResponse({"data": {"id": post["id"], "text": post["text"]}}, 201)

    async def upload(self, request: Request) -> Response:
        """POST /2/media/upload, multipart: pictures of at most 5 MB."""
        if refused := _unsigned(request):
            return refused
        form = read_multipart(request.headers["content-type"], await request.body())
        values, (file,) = dict(form.values), form.files
        assert file.field == "media"
        assert values["media_category"] in ("tweet_image", "dm_image")
        assert values["media_type"] in ("image/jpeg", "image/png", "image/webp")
        id_ = str(next(self._numbers))
        self.uploads[id_] = file.data
        return JSONResponse({"data": {"id": id_, "media_key": f"3_{id_}", "size": len(file.data)}})

    async def direct(self, request: Request) -> Response:
        if refused := _unsigned(request):
            return refused
        asked = json.loads(await request.body())
        other = request.path_params["id"]
        post = self.write(asked["text"], author=OWN, direct=other)
        post["shows"] = [self.uploads[each["media_id"]] for each in asked.get("attachments", [])]
        return JSONResponse({"data": {"dm_conversation_id": f"{other}-{OWN}", "dm_event_id": post["id"]}}, 201)


def _unsigned(request: Request) -> Response | None:
    """OAuth 1.0a, as X checks it (RFC 5849 §3.4)."""
    given = dict(parse_authorization_header(request.headers.get("authorization", "OAuth x=y")))
    base = str(request.url).partition("?")[0]
    params = [(name, value) for name, value in given.items() if name not in ("realm", "oauth_signature")]
    params += parse_qsl(request.url.query, keep_blank_values=True)
    text = signature.signature_base_string(
        request.method, signature.base_string_uri(base), signature.normalize_parameters(params)
    )
    right = b64encode(hmac.new(f"{KEYS[1]}&{KEYS[3]}".encode(), text.encode(), hashlib.sha1).digest()).decode()
    if given.get("oauth_consumer_key") == KEYS[0] and unquote(given.get("oauth_signature", "")) == right:
        return None
    return JSONResponse({"title": "Unauthorized", "type": "about:blank", "status": 401, "detail": "Unauthorized"}, 401)


def webhook(body: object, secret: str = KEYS[1]) -> tuple[dict[str, str], bytes]:
    """Headers and bytes of account activity."""
    data = json.dumps(body, separators=(",", ":")).encode()
    return signature_of(data, secret), data


def signature_of(data: bytes, secret: str = KEYS[1]) -> dict[str, str]:
    """The headers of these bytes."""
    digest = b64encode(hmac.new(secret.encode(), data, hashlib.sha256).digest()).decode()
    return {"content-type": "application/json", "x-twitter-webhooks-signature": f"sha256={digest}"}


def activity(text: str, id_: str = "1801", author: str = "42") -> dict[str, Any]:
    """The body of a post that was created."""
    post = {
        "created_at": "Mon Jan 05 10:00:00 +0000 2026", "id_str": id_, "id": int(id_), "text": text,
        "user": {"id_str": author, "screen_name": f"person{author}", "name": f"Person {author}"},
        "in_reply_to_status_id_str": None, "entities": {},
    }  # fmt: skip
    return {"for_user_id": OWN, "tweet_create_events": [post]}


@contextlib.contextmanager
def x() -> Iterator[X]:
    """A running one."""
    api = X()
    routes = [
        Route(f"/2/users/{OWN}/mentions", api.mentions),
        Route(f"/2/users/{OWN}/tweets", api.own_posts),
        Route("/2/tweets", api.create, methods=["POST"]),
        Route("/2/media/upload", api.upload, methods=["POST"]),
        Route("/2/dm_conversations/with/{id}/messages", api.direct, methods=["POST"]),
    ]
    with served(Starlette(routes=routes)) as (api.url, api.faulty):
        yield api
