"""Forum, Facebook, X and telephone, all of it as it runs: in, confirmed or not, answered, and answered again."""

import contextlib
import email
import json
import re
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
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

    def filed(self, source_id: str) -> int:
        """The number of the ticket that a message is in, once it is."""
        rows: list[tuple[int]] = []

        def found() -> bool:
            nonlocal rows
            with self.up.database() as database:
                rows = database.execute(_NUMBER, (source_id,)).fetchall()
            return bool(rows)

        until(found)
        ((number,),) = rows
        return number

    def ticket(self, number: int) -> dict[str, Any]:
        """As it is shown."""
        shown: dict[str, Any] = self.up.json("tickets", "show", str(number))[0]
        return shown

    def reply(self, number: int, text: str) -> None:
        """An agent's public answer."""
        self.up.command("tickets", "reply", str(number), text, "--public")


_NUMBER = """
SELECT r.number FROM desk.messages m JOIN desk.tickets t ON t.id = m.ticket_id JOIN desk.tickets r ON r.id = t.root_id
 WHERE m.source_id = %s
"""


def _mails_to(up: Up, address: str) -> list[EmailMessage]:
    """What has been written to somebody, oldest first."""
    files = sorted((up.data / "outbox").glob("*.eml"), key=lambda path: path.stat().st_mtime_ns)
    mails = [email.message_from_bytes(path.read_bytes(), policy=default) for path in files]
    return [mail for mail in mails if mail["To"].addresses[0].addr_spec == address]


def until(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 240
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.2)


def _config(forum: str, graph: str, api: str) -> str:
    starter = STARTER.replace("[desk]\n", '[desk]\nconfirm_publicly = ["forum"]\n')
    starter = starter.replace("reply_via = {", 'reply_via = { phone = "support-mail",')
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


def test_in_confirmed_or_not_answered_and_answered_again(public: Public) -> None:
    """Each channel's story; what must not happen is looked for at the end, when all has settled."""
    forum, page, x = public.forum, public.page, public.x

    # a post in the forum, where confirmations were asked for
    post = forum.write("My kettle leaks, what now?", user="ana", name="Ana Almeida")
    created = forum.webhook("post_created", post)
    assert public.deliver("/in/tea-forum/webhook", *created) == 200
    kettle = public.filed(str(post["id"]))
    until(lambda: len(forum.of(forum_server.USER)) == 1)
    public.reply(kettle, "Send it back, we pay.")
    until(lambda: len(forum.of(forum_server.USER)) == 2)
    thanks = forum.write("Thank you!", user="ana")
    edited = forum.webhook("post_edited", forum.edit(post["id"], "My blue kettle leaks, what now?"))
    for delivery in (forum.webhook("post_created", thanks), edited, created, edited):
        assert public.deliver("/in/tea-forum/webhook", *delivery) == 200
    # whoever answers in private must not be read by everybody
    refused = public.up.command("tickets", "reply", str(kettle), "Your account number is 7.", check=False)
    assert refused.returncode != 0

    # a comment that no webhook told of
    wall = page.post("New teas", author=facebook_server.PAGE)
    comment = page.comment(wall["id"], "Is the oolong organic?")
    oolong = public.filed(comment["id"])
    public.reply(oolong, "Yes, it is.")
    until(lambda: bool(page.comments_of(facebook_server.PAGE)))
    great = page.comment(comment["id"], "Great!")
    for _ in range(2):
        assert public.deliver("/in/tea-page/webhook", *page.webhook("add", great)) == 200

    # a mention that no webhook told of
    mention = x.write("@teahouse is the shop open on Sunday?")
    sunday = public.filed(mention["id"])
    public.reply(sunday, "From ten to four.")
    until(lambda: bool(x.ours))
    danke = x.write("@teahouse thanks", to=int(x.ours[0]["id"]))

    # a missed call, told twice and the wrong way round
    call = {"from": "0221998877", "to": "030555100", "call_id": "e2e-call-1"}
    hung_up = telephony.placetel(call | {"event": "HungUp", "type": "missed", "direction": "in"}, _SHARED)
    rang = telephony.placetel(call | {"event": "IncomingCall"}, _SHARED)
    for event in (hung_up, rang, hung_up):
        assert public.deliver("/in/switchboard/calls", *event) == 200
    assert public.deliver("/in/switchboard/calls", *telephony.placetel(call, "another-secret")) == 401

    for source_id, number in ((str(thanks["id"]), kettle), (great["id"], oolong), (danke["id"], sunday)):
        assert public.filed(source_id) == number
    missed = public.filed("e2e-call-1")
    counts = public.up.verify(wait=120)["counts"]
    assert counts["tickets"] == 4

    for number, sources in (
        (kettle, [str(post["id"]), str(thanks["id"])]),
        (oolong, [comment["id"], great["id"]]),
        (sunday, [mention["id"], danke["id"]]),
        (missed, ["e2e-call-1"]),
    ):
        ticket = public.ticket(number)
        assert [message["source_id"] for message in ticket["messages"]] == sources
        kinds = [event["type"] for event in ticket["history"]]
        assert ("ticket.confirmed" in kinds) == (number == kettle)
        assert ("ticket.confirmation_suppressed" in kinds) == (number != kettle)
        if number == kettle:
            assert ticket["messages"][0]["text"] == "My blue kettle leaks, what now?"

    confirmation, answer = forum.of(forum_server.USER)
    assert str(kettle) in confirmation["raw"]
    assert not any(private in confirmation["raw"] for private in ("Ana", "kettle"))
    assert (answer["raw"], answer["topic_id"]) == ("Send it back, we pay.", post["topic_id"])
    assert [each["message"] for each in page.comments_of(facebook_server.PAGE)] == ["Yes, it is."]
    assert [(each["text"], each["conversation_id"]) for each in x.ours] == [("From ten to four.", mention["id"])]

    (status,) = [each for each in public.up.json("connectors", "status") if each["connector"] == "tea-x"]
    (money,) = status["quotas"]
    assert (money["name"], money["limit"]) == ("money", 100)
    assert 0 < money["used"] < 1


def _posted(public: Public, path: str, ticket: dict[str, Any], **headers: str) -> str:
    """The reference of what was filled in."""
    named = {"content-type": "application/json", "accept": "application/json"} | headers
    request = urllib.request.Request(public.up.endpoints()["intake"] + path, json.dumps(ticket).encode(), named)
    with urllib.request.urlopen(request, timeout=60) as answer:
        return str(json.load(answer)["reference"])


def _page_of(public: Public, name: str) -> dict[str, str]:
    """What the form gives out, to be sent after the time that people take."""
    with urllib.request.urlopen(public.up.endpoints()["intake"] + f"/in/{name}/", timeout=60) as answer:
        page = answer.read().decode()
    time.sleep(3.1)
    return {name: re.findall(rf'name="{name}" value="([^"]+)"', page)[0] for name in ("_stamp", "id")}


def _number_of(public: Public, reference: str) -> int:
    found: list[Any] = []

    def filed() -> bool:
        done = public.up.command("tickets", "why", reference, "--json", check=False)
        found[:] = [json.loads(line)["ticket"] for line in done.stdout.splitlines()] if done.returncode == 0 else []
        return bool(found and found[0])

    until(filed)
    return int(found[0])


def test_what_has_no_way_back_is_answered_by_mail_and_goes_on_by_mail(public: Public, tmp_path: Path) -> None:
    """Website, form, and a missed call from a known number: ticket, reply by mail, answer by mail, same ticket."""
    up = public.up
    page = {"email": "pia@visitor.example", "phone": "0221 445566", "text": "Do you deliver to Bonn?"}
    form = {"email": "fay@visitor.example", "text": "The form says nothing.", **_page_of(public, "contact")}
    website = _number_of(public, _posted(public, "/in/help/tickets", page))
    web_form = _number_of(public, _posted(public, "/in/contact/submissions", form))
    # the number was only typed: whose it is an agent has to say, once
    call = {"event": "HungUp", "type": "missed", "direction": "in", "from": "+49221445566", "to": "030555100"}
    for id_ in ("e2e-call-2", "e2e-call-3"):
        assert public.deliver("/in/switchboard/calls", *telephony.placetel(call | {"call_id": id_}, _SHARED)) == 200
        phone = public.filed(id_)
        if id_ == "e2e-call-2":
            up.command("contacts", "merge", "+49221445566", "pia@visitor.example")

    for number, address, channel in (
        (website, "pia@visitor.example", "website"),
        (web_form, "fay@visitor.example", "web_form"),
        (phone, "pia@visitor.example", "phone"),
    ):
        assert public.ticket(number)["channel"] == channel
        before = len(_mails_to(up, address))
        words = f"This is our answer to number {number}."
        up.command("tickets", "reply", str(number), words)
        until(lambda address=address, before=before: len(_mails_to(up, address)) > before)  # type: ignore[misc]
        mail = _mails_to(up, address)[-1]
        body = mail.get_body(("plain",))
        assert body
        assert words in body.get_content()
        to = mail["Reply-To"].addresses[0].addr_spec
        answer = tmp_path / f"{number}.eml"
        answer.write_bytes(
            f"From: {address}\r\nTo: {to}\r\nSubject: Re: x\r\nMessage-ID: <{number}@visitor.example>\r\n"
            f"In-Reply-To: {mail['Message-ID']}\r\n\r\nThank you for number {number}.\r\n".encode()
        )
        up.json("send", str(answer), "--to", to)
        assert public.filed(f"{number}@visitor.example") == number
    up.verify(wait=120)
    for number, channel in ((website, "website"), (web_form, "web_form"), (phone, "phone")):
        ticket = public.ticket(number)
        assert [message["channel"] for message in ticket["messages"]] == [channel, "email"]
        states = [event["data"]["state"] for event in ticket["history"] if event["type"] == "ticket.delivery_updated"]
        assert states[-1] == "sent"


def test_messenger_is_confirmed_answered_and_goes_on_in_messenger(public: Public) -> None:
    page = public.page
    asked = page.hears("771", "Is the shop open on Sunday?")
    for _ in range(2):
        assert public.deliver("/in/tea-page/webhook", *asked) == 200
    number = public.filed(page.talks["771"][0]["id"])
    until(lambda: len(page.told("771")) == 1)  # whoever writes in private is confirmed in private
    assert str(number) in page.told("771")[0]["message"]
    public.up.command("tickets", "reply", str(number), "From ten to four.")
    until(lambda: len(page.told("771")) == 2)
    thanks = page.hears("771", "Thank you!")
    assert public.deliver("/in/tea-page/webhook", *thanks) == 200
    assert public.filed(page.talks["771"][-1]["id"]) == number
    public.up.verify(wait=120)
    assert [each["message"] for each in page.told("771")][1:] == ["From ten to four."]
    states = [
        event["data"]["state"]
        for event in public.ticket(number)["history"]
        if event["type"] == "ticket.delivery_updated"
    ]
    assert states[-1] == "sent"
