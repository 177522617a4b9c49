"""Answers as posts of the configured user."""

import re
from collections.abc import Sequence
from typing import Any

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.reply import Reply
from ingest.contract import Refused, Uncertain
from ingest.forum.discourse import discourse
from ingest.forum.settings import ForumSettings
from ingest.providers.http import Answer, failed
from ingest.providers.public import must_be_public

_LONGEST = 32_000
"""Characters of a post, as Discourse is installed (`max_post_length`)."""
_LAST = 20
_NUMBER = re.compile(r"[0-9]{1,12}")


class ForumSender:
    """Sender (ingest.contract). `provider_thread` of a reply is the topic's id, `in_reply_to` the id of the post that
    is answered. The topic is looked at first: what stands there already is not posted again.
    """

    idempotent = False

    def __init__(self, settings: ForumSettings, blobs: BlobStore) -> None:
        self._user = settings.api_username.lower()
        self._http = discourse(settings)
        self._blobs = blobs

    async def send(self, reply: Reply) -> str:
        """See Sender; the provider's id is the post's."""
        topic = reply.provider_thread or await self._topic_of(reply.in_reply_to or "")
        if not _NUMBER.fullmatch(topic):
            raise Refused("the reply names no topic of the forum")
        if len(reply.text) > _LONGEST:
            raise Refused(f"a post has at most {_LONGEST} characters; this has {len(reply.text)}")
        is_private, posts = await self._last_posts(topic)
        if not is_private:
            must_be_public(reply, "a post in the forum")
        for post in posts:
            if self._is_this(post, reply):
                return str(post["id"])
        body: dict[str, object] = {"topic_id": int(topic), "raw": reply.text + await self._uploaded(reply)}
        number = await self._number(reply.in_reply_to, posts)
        if number:
            body["reply_to_post_number"] = number
        return _posted(await self._http.ask("POST", "/posts.json", json_body=body, sending=True))

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()

    async def _topic_of(self, id_: str) -> str:
        """The topic of the post that is answered; empty when it is not known."""
        if not _NUMBER.fullmatch(id_):
            return ""
        return str((await self._http.ask("GET", f"/posts/{id_}.json")).json.get("topic_id") or "")

    async def _last_posts(self, topic: str) -> tuple[bool, Sequence[dict[str, Any]]]:
        """Whether the topic is a personal message, and its latest posts."""
        answer = await self._http.ask("GET", f"/t/{topic}.json", params={"include_raw": "true"})
        if answer.status in (404, 410):
            raise Refused(f"the topic {topic} is not there any more")
        if answer.status != 200:
            raise failed(answer, f"the topic {topic}")
        if answer.json.get("closed") or answer.json.get("archived"):
            raise Refused(f"the topic {topic} is closed")
        is_private = answer.json.get("archetype") == "private_message"
        stream = answer.json.get("post_stream") or {}
        shown, ids = _posts(stream), [id_ for id_ in stream.get("stream") or [] if isinstance(id_, int)][-_LAST:]
        missing = set(ids) - {post.get("id") for post in shown}
        if not missing:
            return is_private, shown
        path = f"/t/{topic}/posts.json?include_raw=true" + "".join(f"&post_ids[]={id_}" for id_ in sorted(missing))
        answer = await self._http.ask("GET", path)
        if answer.status != 200:
            raise failed(answer, f"the topic {topic}")
        return is_private, [*shown, *_posts(answer.json.get("post_stream") or {})]

    def _is_this(self, post: dict[str, Any], reply: Reply) -> bool:
        return (
            str(post.get("username") or "").lower() == self._user
            and str(post.get("created_at") or "") >= reply.created_at.strftime("%Y-%m-%dT%H:%M:%S")
            and _words(str(post.get("raw") or "")).startswith(_words(reply.text))
        )

    async def _number(self, id_: str | None, posts: Sequence[dict[str, Any]]) -> int | None:
        """The place in its topic of the post that is answered; None when it is not known any more."""
        if not id_ or not _NUMBER.fullmatch(id_):
            return None
        found = next((post for post in posts if str(post.get("id")) == id_), None)
        if found is None:
            found = (await self._http.ask("GET", f"/posts/{id_}.json")).json
        number = found.get("post_number")
        return number if isinstance(number, int) and number > 1 else None

    async def _uploaded(self, reply: Reply) -> str:
        """The files, stored in the forum, as the Markdown that shows them."""
        lines = []
        for attachment in reply.attachments:
            try:
                data = await self._blobs.get(attachment.blob)
            except Invalid as error:
                raise Refused(str(error)) from error
            name = re.sub(r"[\[\]|\r\n]", "_", attachment.name)
            answer = await self._http.ask(
                "POST",
                "/uploads.json",
                form={"type": "composer", "synchronous": "true"},
                files={"file": (name, data, attachment.media_type)},
            )
            url = answer.json.get("short_url")
            if answer.status == 422 or (answer.status == 200 and not url):
                raise Refused(f"the forum does not take the file {name}: {_errors(answer)}")
            if answer.status != 200:
                raise failed(answer, f"the file {name}")
            picture = attachment.media_type.startswith("image/")
            lines.append(f"![{name}]({url})" if picture else f"[{name}|attachment]({url})")
        return "\n\n" + "\n".join(lines) if lines else ""


def _posted(answer: Answer) -> str:
    if answer.status == 200:
        pending = answer.json.get("pending_post")
        if isinstance(pending, dict):
            return f"pending:{pending.get('id')}"
        id_ = answer.json.get("id") or (answer.json.get("post") or {}).get("id")
        if not id_:
            raise Uncertain("the forum's answer does not say whether it has taken the post")
        return str(id_)
    if answer.status in (400, 404, 410, 413, 422):
        raise Refused(f"the forum does not take the post: {_errors(answer)}")
    if answer.status >= 500 and answer.status != 503:
        raise Uncertain(f"the forum failed while it took the post ({answer.status})")
    raise failed(answer, "the post")


def _errors(answer: Answer) -> str:
    found = answer.json.get("errors")
    return "; ".join(str(each) for each in found)[:200] if isinstance(found, list) else f"status {answer.status}"


def _posts(stream: dict[str, Any]) -> list[dict[str, Any]]:
    return [post for post in stream.get("posts") or [] if isinstance(post, dict) and post.get("id")]


def _words(text: str) -> str:
    return " ".join(text.split())
