"""The Graph API of one page, and the webhooks of its feed."""

import contextlib
import hashlib
import hmac
import itertools
import json
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.serving import Fault, Faulty, fields, served

PAGE, TOKEN, APP, APP_SECRET, VERIFY = "500100", "EAAB-page-token", "700200", "app-secret-of-ours", "verify-me-please"
_PER_PAGE = 3


class Facebook:
    """Posts and comments by id; nested comments have a parent."""

    def __init__(self) -> None:
        self.items: dict[str, dict[str, Any]] = {}
        self.talks: dict[str, list[dict[str, Any]]] = {}
        self.expires_at = 0
        self.url = ""
        self.faulty: Faulty
        self._numbers = itertools.count(1)

    def post(self, text: str, *, author: str = "91") -> dict[str, Any]:
        """On the page's wall."""
        id_ = f"{PAGE}_{1000 + next(self._numbers)}"
        self.items[id_] = {
            "id": id_, "message": text, "created_time": _now(), "from": {"id": author, "name": f"Person {author}"},
            "to": {"data": [{"id": PAGE, "name": "Tea house"}]},
            "permalink_url": f"https://www.facebook.com/{id_}",
        }  # fmt: skip
        return self.items[id_]

    def comment(self, on: str, text: str, *, author: str = "91") -> dict[str, Any]:
        """Under a post or a comment."""
        target = self.items[on]
        post = target.get("_post", on)
        id_ = f"{post.partition('_')[2]}_{2000 + next(self._numbers)}"
        self.items[id_] = {
            "id": id_, "message": text, "created_time": _now(), "from": {"id": author, "name": f"Person {author}"},
            "is_hidden": False, "_post": post,
        }  # fmt: skip
        if "_post" in target:
            self.items[id_]["parent"] = {"id": on}
        return self.items[id_]

    def comments_of(self, author: str) -> list[dict[str, Any]]:
        """What somebody has commented."""
        return [item for item in self.items.values() if "_post" in item and item["from"]["id"] == author]

    def fail(self, on: str, code: int, *, subcode: int = 0, status: int = 400, times: int = 1, **headers: str) -> None:
        """The next such question ends with this error of the Graph API."""
        error = {"message": "…", "type": "OAuthException", "code": code, "error_subcode": subcode, "fbtrace_id": "A1"}
        body = json.dumps({"error": error}).encode()
        self.faulty.faults.append(
            Fault(on, status, body, {name.replace("_", "-"): value for name, value in headers.items()}, times=times)
        )

    def webhook(
        self, verb: str, item: Mapping[str, Any], *, page: str = PAGE, secret: str = APP_SECRET, later: int = 0
    ) -> tuple[dict[str, str], bytes]:
        """Headers and body of a change that happened so many seconds from now."""
        at = int(datetime.now(UTC).timestamp()) + later
        post = item.get("_post")
        value = {
            "item": "comment" if post else "post", "verb": verb, "post_id": post or item["id"], "from": item["from"],
            "message": item["message"], "created_time": at,
        }  # fmt: skip
        if post:
            parent = item.get("parent", {}).get("id", post)
            value |= {"comment_id": item["id"], "parent_id": parent}
        entry = {"id": page, "time": at, "changes": [{"field": "feed", "value": value}]}
        return signed({"object": "page", "entry": [entry]}, secret)

    def _refused(self, request: Request) -> Response | None:
        token = request.headers.get("authorization", "").removeprefix("Bearer ")
        proof = hmac.new(APP_SECRET.encode(), token.encode(), hashlib.sha256).hexdigest()
        if token != TOKEN:
            return _error(190, "Error validating access token")
        if request.query_params.get("appsecret_proof") != proof:
            return _error(100, "Invalid appsecret_proof provided in the API argument")
        return None

    async def feed(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        since = int(request.query_params.get("since", 0))
        posts = [item for item in self.items.values() if "_post" not in item and _at(item) >= since]
        shown = [{**post, "comments": self._listed(request, post["id"], 0)} for post in reversed(posts)]
        return JSONResponse(_paged(request, shown, int(request.query_params.get("after") or 0)))

    async def comments(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        on = request.path_params["id"]
        if on not in self.items:
            return _error(100, "Unsupported get request. Object does not exist", 33)
        if request.method == "GET":
            return JSONResponse(self._listed(request, on, int(request.query_params.get("after") or 0)))
        form = await fields(request)
        comment = self.comment(on, form["message"], author=PAGE)
        comment["_picture"] = form.get("source")
        return JSONResponse({"id": comment["id"]})

    def hears(self, person: str, text: str, *, hours_ago: float = 0) -> tuple[dict[str, str], bytes]:
        """Somebody writes in Messenger; the webhook of it."""
        at = datetime.now(UTC) - timedelta(hours=hours_ago)
        mid = f"m_{next(self._numbers)}"
        self.talks.setdefault(person, []).append(
            {"id": mid, "message": text, "from": {"id": person}, "created_time": f"{at:%Y-%m-%dT%H:%M:%S+0000}"}
        )
        event = {
            "sender": {"id": person}, "recipient": {"id": PAGE}, "timestamp": int(at.timestamp() * 1000),
            "message": {"mid": mid, "text": text},
        }  # fmt: skip
        return signed({"object": "page", "entry": [{"id": PAGE, "time": event["timestamp"], "messaging": [event]}]})

    def told(self, person: str) -> list[dict[str, Any]]:
        """What the page has written to somebody."""
        return [each for each in self.talks.get(person, []) if each["from"]["id"] == PAGE]

    async def messages(self, request: Request) -> Response:
        """The Send API and its windows."""
        if refused := self._refused(request):
            return refused
        asked = await request.json()
        talk = self.talks.get(asked["recipient"]["id"])
        if talk is None:
            return _error(100, "No matching user found", 2018001)
        heard = max(_at(each) for each in talk if each["from"]["id"] != PAGE)
        window = 7 * 24 if asked.get("tag") == "HUMAN_AGENT" else 24
        if datetime.now(UTC).timestamp() - heard > window * 3600:
            return _error(10, "This message is sent outside of allowed window.", 2018278)
        mid = f"m_{next(self._numbers)}"
        text = asked["message"]["text"]
        talk.append({"id": mid, "message": text, "from": {"id": PAGE}, "created_time": _now(), "_asked": asked})
        return JSONResponse({"recipient_id": asked["recipient"]["id"], "message_id": mid})

    async def conversations(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        assert request.query_params["platform"] == "messenger"
        talk = self.talks.get(request.query_params["user_id"], [])
        shown = [{name: value for name, value in each.items() if name != "_asked"} for each in reversed(talk)]
        return JSONResponse({"data": [{"id": "t_1", "messages": {"data": shown}}] if shown else []})

    async def object(self, request: Request) -> Response:
        if refused := self._refused(request):
            return refused
        id_ = request.path_params["id"]
        if id_ not in self.items:
            return _error(100, "Unsupported get request. Object does not exist", 33)
        return JSONResponse({"id": id_})

    async def debug(self, request: Request) -> Response:
        if request.headers.get("authorization") != f"Bearer {APP}|{APP_SECRET}":
            return _error(190, "Invalid app token")
        valid = request.query_params.get("input_token") == TOKEN
        return JSONResponse({"data": {"is_valid": valid, "expires_at": self.expires_at, "data_access_expires_at": 0}})

    def _listed(self, request: Request, on: str, begin: int) -> dict[str, Any]:
        under = [
            {name: value for name, value in item.items() if not name.startswith("_")}
            for item in reversed(self.items.values())
            if item.get("_post") == on or item.get("parent", {}).get("id") == on
        ]
        return _paged(request, under, begin)


def _paged(request: Request, items: list[dict[str, Any]], begin: int) -> dict[str, Any]:
    end = begin + _PER_PAGE
    paging: dict[str, Any] = {"cursors": {"before": str(begin), "after": str(end)}}
    if end < len(items):
        paging["next"] = str(request.url)
    return {"data": items[begin:end], "paging": paging}


def _error(code: int, message: str, subcode: int = 0) -> Response:
    error = {"message": message, "type": "OAuthException", "code": code, "error_subcode": subcode}
    return JSONResponse({"error": error}, 400)


def signed(body: object, secret: str = APP_SECRET) -> tuple[dict[str, str], bytes]:
    """Headers and bytes."""
    data = json.dumps(body, separators=(",", ":")).encode()
    return signature(data, secret), data


def signature(data: bytes, secret: str = APP_SECRET) -> dict[str, str]:
    """The headers of these bytes."""
    digest = hmac.new(secret.encode(), data, hashlib.sha256).hexdigest()
    return {"content-type": "application/json", "x-hub-signature-256": f"sha256={digest}"}


def _now() -> str:
    return f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%S+0000}"


def _at(item: Mapping[str, Any]) -> float:
    return datetime.strptime(item["created_time"], "%Y-%m-%dT%H:%M:%S%z").timestamp()


@contextlib.contextmanager
def facebook() -> Iterator[Facebook]:
    """A running one."""
    graph = Facebook()
    routes = [
        Route("/v23.0/debug_token", graph.debug),
        Route(f"/v23.0/{PAGE}/feed", graph.feed),
        Route(f"/v23.0/{PAGE}/messages", graph.messages, methods=["POST"]),
        Route(f"/v23.0/{PAGE}/conversations", graph.conversations),
        Route("/v23.0/{id}", graph.object),
        Route("/v23.0/{id}/comments", graph.comments, methods=["GET", "POST"]),
    ]
    with served(Starlette(routes=routes)) as (graph.url, graph.faulty):
        yield graph
