"""Forum, Facebook, X and telephone, all of it as it runs: in, confirmed or not, answered, and answered again."""

import contextlib
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import pytest

from deploy.starter_config import STARTER
from tests.e2e.running import Up, running
from tests.folders import own_folder
from tests.providers import discourse as forum_server
from tests.providers import facebook as facebook_server
from tests.providers import telephony
from tests.providers import x as x_server

pytestmark = pytest.mark.stack

_SHARED = "shared-with-placetel"


@dataclass
class Public:
    """An `up` with the four connectors, and the providers they speak to."""

    up: Up
    forum: forum_server.Discourse
    page: facebook_server.Facebook
    x: x_server.X

    def deliver(self, path: str, headers: Mapping[str, str], body: bytes) -> int:
        """A webhook's status."""
        request = urllib.request.Request(self.up.endpoints()["intake"] + path, body, dict(headers))
        try:
            with urllib.request.urlopen(request, timeout=60) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code

    def ticket(self, source_id: str) -> dict[str, Any]:
        """The ticket that a message is in, once everything has settled."""
        self.up.verify()
        (why,) = self.up.json("tickets", "why", source_id)
        found: dict[str, Any] = self.up.json("tickets", "show", str(why["ticket"]))[0]
        return found

    def polled(self, source_id: str) -> dict[str, Any]:
        """The same for what a poll has to find first."""
        until(lambda: self.up.command("tickets", "why", source_id, check=False).returncode == 0)
        return self.ticket(source_id)


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 90
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _kinds(ticket: Mapping[str, Any]) -> list[str]:
    return [event["type"] for event in ticket["history"]]


def _config(forum: str, graph: str, api: str) -> str:
    starter = STARTER.replace("[desk]\n", '[desk]\nconfirm_publicly = ["forum"]\n')
    return f"""{starter}
[connectors.tea-forum]
type = "forum"
url = "{forum}"
api_key = "{forum_server.KEY}"
api_username = "{forum_server.USER}"
webhook_secret = "{forum_server.SECRET}"
poll_every = 1

[connectors.tea-page]
type = "facebook"
page_id = "{facebook_server.PAGE}"
page_token = "{facebook_server.TOKEN}"
app_secret = "{facebook_server.APP_SECRET}"
verify_token = "{facebook_server.VERIFY}"
graph_url = "{graph}"
poll_every = 1

[connectors.tea-x]
type = "x"
user_id = "{x_server.OWN}"
username = "{x_server.NAME}"
consumer_key = "{x_server.KEYS[0]}"
consumer_secret = "{x_server.KEYS[1]}"
access_token = "{x_server.KEYS[2]}"
access_token_secret = "{x_server.KEYS[3]}"
webhook = true
monthly_budget = 100
api_url = "{api}"
poll_every = 1

[connectors.switchboard]
type = "phone"
provider = "placetel"
signing_secret = "{_SHARED}"
numbers = ["+4930555100"]
"""


@pytest.fixture(scope="module")
def public() -> Iterator[Public]:
    with contextlib.ExitStack() as stack:
        forum = stack.enter_context(forum_server.discourse())
        page = stack.enter_context(facebook_server.facebook())
        api = stack.enter_context(x_server.x())
        data = stack.enter_context(own_folder("public")) / "data"
        data.mkdir()
        (data / "deskstream.toml").write_text(_config(forum.url, page.url, api.url))
        found = Public(stack.enter_context(running(data)), forum, page, api)
        # each poll takes what is written after its first look
        until(
            lambda: all(
                any(path in line for line in server.asked)
                for server, path in ((forum.faulty, "/posts.json"), (page.faulty, "/feed"), (api.faulty, "/mentions"))
            )
        )
        yield found


def test_a_forum_post_is_confirmed_answered_and_answered_again(public: Public) -> None:
    post = public.forum.write("My kettle leaks, what now?", user="ana", name="Ana Almeida")
    created = public.forum.webhook("post_created", post)
    assert public.deliver("/in/tea-forum/webhook", *created) == 200
    ticket = public.ticket(str(post["id"]))
    assert "ticket.confirmed" in _kinds(ticket)
    until(lambda: len(public.forum.of(forum_server.USER)) == 1)
    (confirmation,) = public.forum.of(forum_server.USER)
    assert str(ticket["number"]) in confirmation["raw"]
    assert "Ana" not in confirmation["raw"]
    assert "kettle" not in confirmation["raw"]

    public.up.command("tickets", "reply", str(ticket["number"]), "Send it back, we pay.", "--public")
    until(lambda: len(public.forum.of(forum_server.USER)) == 2)
    answer = public.forum.of(forum_server.USER)[1]
    assert (answer["raw"], answer["topic_id"]) == ("Send it back, we pay.", post["topic_id"])

    again = public.forum.write("Thank you!", user="ana")
    edited = public.forum.webhook("post_edited", public.forum.edit(post["id"], "My blue kettle leaks, what now?"))
    for delivery in (public.forum.webhook("post_created", again), edited, created, edited):
        assert public.deliver("/in/tea-forum/webhook", *delivery) == 200
    ticket = public.ticket(str(again["id"]))
    assert [message["source_id"] for message in ticket["messages"]] == [str(post["id"]), str(again["id"])]
    assert ticket["messages"][0]["text"] == "My blue kettle leaks, what now?"
    assert len(public.forum.of(forum_server.USER)) == 2


def test_a_private_answer_to_a_public_post_is_not_posted(public: Public) -> None:
    post = public.forum.write("Where do you ship?", user="cem", topic=8)
    public.deliver("/in/tea-forum/webhook", *public.forum.webhook("post_created", post))
    ticket = public.ticket(str(post["id"]))
    before = len(public.forum.of(forum_server.USER))
    refused = public.up.command("tickets", "reply", str(ticket["number"]), "Your account number is 7.", check=False)
    assert refused.returncode != 0
    public.up.verify()
    assert len(public.forum.of(forum_server.USER)) == before


def test_a_comment_on_facebook_is_found_by_the_poll_answered_and_answered_again(public: Public) -> None:
    post = public.page.post("New teas", author=facebook_server.PAGE)
    comment = public.page.comment(post["id"], "Is the oolong organic?")
    ticket = public.polled(comment["id"])
    assert "ticket.confirmation_suppressed" in _kinds(ticket)
    public.up.command("tickets", "reply", str(ticket["number"]), "Yes, it is.", "--public")
    until(lambda: [c["message"] for c in public.page.comments_of(facebook_server.PAGE)] == ["Yes, it is."])

    again = public.page.comment(comment["id"], "Great!")
    added = public.page.webhook("add", again)
    for _ in range(2):
        assert public.deliver("/in/tea-page/webhook", *added) == 200
    ticket = public.ticket(again["id"])
    assert [message["source_id"] for message in ticket["messages"]] == [comment["id"], again["id"]]


def test_a_mention_on_x_is_found_by_the_poll_answered_and_answered_again(public: Public) -> None:
    post = public.x.write("@teahouse is the shop open on Sunday?")
    ticket = public.polled(post["id"])
    assert "ticket.confirmation_suppressed" in _kinds(ticket)
    public.up.command("tickets", "reply", str(ticket["number"]), "From ten to four.", "--public")
    until(lambda: len(public.x.ours) == 1)
    assert public.x.ours[0]["conversation_id"] == post["id"]

    again = public.x.write("@teahouse thanks", to=int(public.x.ours[0]["id"]))
    found = public.polled(again["id"])
    assert (found["number"], len(found["messages"])) == (ticket["number"], 2)
    (status,) = [each for each in public.up.json("connectors", "status") if each["connector"] == "tea-x"]
    (money,) = status["quotas"]
    assert (money["name"], money["limit"]) == ("money", 100)
    assert 0 < money["used"] < 1


def test_the_events_of_a_missed_call_are_one_ticket_in_any_order(public: Public) -> None:
    call = {"from": "0221998877", "to": "030555100", "call_id": "e2e-call-1"}
    events = [
        telephony.placetel(call | more, _SHARED)
        for more in (
            {"event": "HungUp", "type": "missed", "direction": "in"},
            {"event": "IncomingCall"},
            {"event": "HungUp", "type": "missed", "direction": "in"},
        )
    ]
    for event in events:
        assert public.deliver("/in/switchboard/calls", *event) == 200
    assert public.deliver("/in/switchboard/calls", *telephony.placetel(call, "another-secret")) == 401
    ticket = public.ticket("e2e-call-1")
    assert len(ticket["messages"]) == 1
    assert ticket["channel"] == "phone"
    assert "ticket.confirmation_suppressed" in _kinds(ticket)
