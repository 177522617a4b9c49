"""A Discourse: topics and posts over its REST API, and the webhooks it would send."""

import contextlib
import hashlib
import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.providers.serving import Faulty, fields, served

KEY, USER = "0123456789abcdef", "tea_support"
SECRET = "whisper-of-the-forum"
_PAGE = 50


class Discourse:
    """Its posts by id. Customers write by `write`, `edit`, `remove`."""

    def __init__(self) -> None:
        self.posts: dict[int, dict[str, Any]] = {}
        self.closed: set[int] = set()
        self.url = ""
        self.faulty: Faulty
        self._clock = datetime.now(UTC) - timedelta(minutes=5)

    def write(self, text: str, *, topic: int = 7, user: str = "ana", category: int = 4, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any key of a post
        """A new post."""
        id_ = max(self.posts, default=100) + 1
        at = self._now()
        number = 1 + sum(1 for post in self.posts.values() if post["topic_id"] == topic)
        self.posts[id_] = {
            "id": id_, "name": user.title(), "username": user, "created_at": at, "cooked": f"<p>{text}</p>",
            "post_number": number, "post_type": 1, "updated_at": at, "reply_to_post_number": None,
            "topic_id": topic, "topic_slug": f"topic-{topic}", "topic_title": f"Topic {topic}", "category_id": category,
            "version": 1, "user_id": 1 if user == USER else abs(hash(user)) % 1000 + 10, "raw": text,
            "moderator": False, "admin": False, "staff": user == "agent_bea", "topic_archetype": "regular",
            "deleted_at": None, "user_deleted": False, "hidden": False, "yours": False, **more,
        }  # fmt: skip
        return self.posts[id_]

    def edit(self, id_: int, text: str) -> dict[str, Any]:
        """The author's second thought."""
        post = self.posts[id_]
        post |= {"raw": text, "cooked": f"<p>{text}</p>", "updated_at": self._now(), "version": post["version"] + 1}
        return post

    def remove(self, id_: int) -> dict[str, Any]:
        """Moderators see it still."""
        self.posts[id_]["deleted_at"] = self._now()
        return self.posts[id_]

    def of(self, user: str) -> Sequence[dict[str, Any]]:
        """What somebody has posted."""
        return [post for post in self.posts.values() if post["username"] == user]

    def webhook(self, event: str, post: Mapping[str, Any], *, secret: str = SECRET) -> tuple[dict[str, str], bytes]:
        """Headers and body, as `WebHook` sends them."""
        body = json.dumps({"post": post}, separators=(",", ":")).encode()
        return {
            "content-type": "application/json",
            "user-agent": "Discourse/3.5.0",
            "x-discourse-instance": self.url,
            "x-discourse-event-id": str(post["id"] * 10 + post["version"]),
            "x-discourse-event-type": "post",
            "x-discourse-event": event,
            **signature(body, secret),
        }, body

    def _now(self) -> str:
        self._clock = max(self._clock + timedelta(seconds=1), datetime.now(UTC))
        return f"{self._clock:%Y-%m-%dT%H:%M:%S}.{self._clock.microsecond // 1000:03}Z"

    def _allowed(self, request: Request) -> Response | None:
        if request.headers.get("api-key") == KEY and request.headers.get("api-username") == USER:
            return None
        said = "You are not permitted to view the requested resource. The API username or key is invalid."
        return JSONResponse({"errors": [said], "error_type": "invalid_access"}, 403)

    async def latest(self, request: Request) -> Response:
        before = int(request.query_params.get("before") or 0) or max(self.posts, default=0)
        shown = [
            post
            for id_, post in sorted(self.posts.items(), reverse=True)
            if before - _PAGE < id_ <= before and not post["deleted_at"] and post["topic_archetype"] == "regular"
        ]
        return self._allowed(request) or JSONResponse({"latest_posts": shown})

    async def post(self, request: Request) -> Response:
        post = self.posts.get(request.path_params["id"])
        return self._allowed(request) or (JSONResponse(post) if post else _not_found())

    async def topic(self, request: Request) -> Response:
        id_ = request.path_params["id"]
        posts = [post for post in self.posts.values() if post["topic_id"] == id_ and not post["deleted_at"]]
        if refused := self._allowed(request):
            return refused
        if not posts:
            return _not_found()
        stream = {"posts": posts[:20], "stream": [post["id"] for post in posts]}
        archetype = posts[0]["topic_archetype"]
        return JSONResponse(
            {"id": id_, "post_stream": stream, "closed": id_ in self.closed, "archived": False, "archetype": archetype}
        )

    async def topic_posts(self, request: Request) -> Response:
        wanted = {int(id_) for id_ in request.query_params.getlist("post_ids[]")}
        return self._allowed(request) or JSONResponse(
            {"post_stream": {"posts": [self.posts[id_] for id_ in sorted(wanted) if id_ in self.posts]}}
        )

    async def create(self, request: Request) -> Response:
        if refused := self._allowed(request):
            return refused
        asked = await request.json()
        if len(asked["raw"]) < 3:
            return JSONResponse({"action": "create_post", "errors": ["Body is too short"]}, 422)
        number = asked.get("reply_to_post_number")
        return JSONResponse(self.write(asked["raw"], topic=asked["topic_id"], user=USER, reply_to_post_number=number))

    async def upload(self, request: Request) -> Response:
        name = (await fields(request))["file"]
        return self._allowed(request) or JSONResponse({"id": 1, "short_url": f"upload://{name}"})


def signature(body: bytes, secret: str = SECRET) -> dict[str, str]:
    """Its header."""
    digest = hmac.new(secret.encode(), body, hashlib.sha256).hexdigest()
    return {"x-discourse-event-signature": f"sha256={digest}"}


def _not_found() -> Response:
    return JSONResponse({"errors": ["The requested URL or resource could not be found."]}, 404)


@contextlib.contextmanager
def discourse() -> Iterator[Discourse]:
    """A running one."""
    forum = Discourse()
    routes = [
        Route("/posts.json", forum.latest),
        Route("/posts.json", forum.create, methods=["POST"]),
        Route("/posts/{id:int}.json", forum.post),
        Route("/t/{id:int}.json", forum.topic),
        Route("/t/{id:int}/posts.json", forum.topic_posts),
        Route("/uploads.json", forum.upload, methods=["POST"]),
    ]
    with served(Starlette(routes=routes)) as (forum.url, forum.faulty):
        yield forum
