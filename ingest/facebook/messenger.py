"""Answers in Messenger: to whom has written to the page, within 24 hours (Messenger Platform, Send API)."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from bus.reply import Reply
from ingest.contract import Refused, Uncertain
from ingest.facebook.graph import Graph, Repeated

_LONGEST = 2_000
_CONVERSATION = re.compile(r"t:([0-9]{1,32}):([0-9]{1,32})")
_LOOKED_AT = "messages.limit(25){id,from,message,created_time}"


def parties(thread: str | None) -> tuple[str, str] | None:
    """The page and the person of a conversation in Messenger; None for another one (normalize.facebook.messenger)."""
    found = _CONVERSATION.fullmatch(thread or "")
    return (found[1], found[2]) if found else None


class Messenger:
    """Of one page. `human_agent`: Facebook lets its agents answer for seven days (the tag HUMAN_AGENT)."""

    def __init__(self, graph: Graph, page: str, *, human_agent: bool) -> None:
        self._graph = graph
        self._page = page
        self._human_agent = human_agent

    async def earlier(self, person: str) -> Sequence[Mapping[str, Any]]:
        """The latest messages of the conversation, whoever wrote them."""
        answer = await self._graph.get(
            f"{self._page}/conversations", {"platform": "messenger", "user_id": person, "fields": _LOOKED_AT}
        )
        found: list[Mapping[str, Any]] = []
        listed = answer.json.get("data")
        for each in listed if isinstance(listed, list) else []:
            messages = each.get("messages") if isinstance(each, dict) else None
            data = messages.get("data") if isinstance(messages, dict) else None
            found += [one for one in data if isinstance(one, dict)] if isinstance(data, list) else []
        return found

    def check(self, reply: Reply, page: str) -> None:
        """Raise Refused for what can never be sent."""
        if page != self._page:
            raise Refused("the conversation is not one of our page")
        if reply.attachments:
            raise Refused("files cannot be sent in Messenger")
        if not reply.text.strip() or len(reply.text) > _LONGEST:
            raise Refused(f"a message has 1 to {_LONGEST} characters; this has {len(reply.text)}")

    async def send(self, reply: Reply, person: str) -> str:
        """The message's id. Raises Retryable, Refused and Uncertain."""
        how = {"messaging_type": "RESPONSE"}
        if self._human_agent and reply.purpose == "reply":
            how = {"messaging_type": "MESSAGE_TAG", "tag": "HUMAN_AGENT"}
        try:
            id_ = await self._graph.message(self._page, person, reply.text, how)
        except Repeated as error:
            raise Uncertain(str(error)) from error
        if not id_:
            raise Uncertain("Facebook's answer does not say whether it has taken the message")
        return id_
