"""A Facebook page: comments in answer, and Messenger."""

from pathlib import Path

import pytest

from bus.errors import Retryable
from bus.reply import ReplyAttachment
from ingest.connectors.facebook import FACEBOOK
from ingest.contract import Refused, Uncertain
from tests.providers.account_settings import facebook_settings
from tests.providers.facebook import PAGE, Facebook
from tests.providers.rig import Rig
from tests.providers.serving import Fault


@pytest.fixture
def rig(page: Facebook, tmp_path: Path) -> Rig:
    return Rig(FACEBOOK, facebook_settings(page), tmp_path)


# -- comments in answer


async def test_an_answer_is_a_comment_of_the_page(rig: Rig, page: Facebook) -> None:
    post = page.post("Where is my parcel?")
    comment = page.comment(post["id"], "Anybody?")
    id_ = await rig.send(rig.reply("It is on its way.", provider_thread=post["id"], in_reply_to=comment["id"]))
    (ours,) = page.comments_of(PAGE)
    assert (ours["id"], ours["message"], ours["parent"]["id"]) == (id_, "It is on its way.", comment["id"])


async def test_the_same_answer_again_is_not_written_twice(rig: Rig, page: Facebook) -> None:
    post = page.post("Where is my parcel?")
    reply = rig.reply("It is on its way.", provider_thread=post["id"])
    page.faulty.faults.append(Fault(f"POST /v23.0/{post['id']}/comments", how="cut"))
    with pytest.raises(Uncertain):
        await rig.send(reply)
    assert await rig.send(reply) == page.comments_of(PAGE)[0]["id"]
    assert len(page.comments_of(PAGE)) == 1


@pytest.mark.parametrize(
    ("code", "error", "kind"),
    [
        (190, Retryable, "auth"),
        (200, Retryable, "permission"),
        (613, Retryable, "quota"),
        (2, Retryable, "transient"),
        (100, Refused, ""),
    ],
)
async def test_codes_decide_for_an_answer(
    rig: Rig, page: Facebook, code: int, error: type[Exception], kind: str
) -> None:
    post = page.post("Where is my parcel?")
    page.fail(f"POST /v23.0/{post['id']}/comments", code)
    with pytest.raises(error) as raised:
        await rig.send(rig.reply("It is on its way.", provider_thread=post["id"]))
    assert getattr(raised.value, "kind", "") == kind
    assert not page.comments_of(PAGE)


async def test_what_can_never_be_a_comment_is_refused(rig: Rig, page: Facebook) -> None:
    post = page.post("Where is my parcel?")
    file = ReplyAttachment(name="a.pdf", media_type="application/pdf", blob="sha256/" + "0" * 64, size=1)
    for given in (
        {"provider_thread": None},
        {"provider_thread": "../me"},
        {"provider_thread": f"{PAGE}_9999"},
        {"visibility": "private"},
        {"text": "x" * 9_000},
        {"attachments": [file]},
    ):
        with pytest.raises(Refused):
            await rig.send(rig.reply("Yes.", provider_thread=post["id"]).model_copy(update=given))
    assert not page.comments_of(PAGE)


async def test_a_picture_goes_along(rig: Rig, page: Facebook) -> None:
    post = page.post("Where is my parcel?")
    blob = await rig.place.blobs.put(b"picture")
    file = ReplyAttachment(name="map.png", media_type="image/png", blob=blob, size=7)
    await rig.send(rig.reply("Here.", provider_thread=post["id"], attachments=[file]))
    assert page.comments_of(PAGE)[0]["_picture"] == "map.png"


# -- Messenger


async def test_a_message_comes_in_private_and_is_answered_by_one(rig: Rig, page: Facebook) -> None:
    assert await rig.status(*page.hears("77", "Are you open on Sunday?")) == 200
    (message,) = rig.messages()
    assert (message.text, message.visibility, message.author.address) == ("Are you open on Sunday?", "private", "77")
    (thread,) = [ref.value for ref in message.refs if ref.kind == "provider_thread"]
    reply = rig.reply("From ten to four.", provider_thread=thread, visibility="private", in_reply_to=message.source_id)
    id_ = await rig.send(reply)
    (said,) = page.told("77")
    assert (said["id"], said["message"]) == (id_, "From ten to four.")
    assert said["_asked"]["messaging_type"] == "RESPONSE"
    assert not page.comments_of(PAGE)


async def test_the_same_message_again_is_not_sent_twice(rig: Rig, page: Facebook) -> None:
    page.hears("77", "Hello?")
    reply = rig.reply("Good morning.", provider_thread=f"t:{PAGE}:77", visibility="private")
    page.faulty.faults.append(Fault(f"POST /v23.0/{PAGE}/messages", how="cut"))
    with pytest.raises(Uncertain):
        await rig.send(reply)
    assert await rig.send(reply) == page.told("77")[0]["id"]
    assert len(page.told("77")) == 1


async def test_after_24_hours_messenger_takes_no_answer_and_the_agent_is_told_why(rig: Rig, page: Facebook) -> None:
    page.hears("77", "Hello?", hours_ago=30)
    reply = rig.reply("Good morning.", provider_thread=f"t:{PAGE}:77", visibility="private")
    with pytest.raises(Refused, match="more than 24 hours old"):
        await rig.send(reply)
    assert not page.told("77")


async def test_human_agents_have_seven_days_where_facebook_grants_them(page: Facebook, tmp_path: Path) -> None:
    rig = Rig(FACEBOOK, facebook_settings(page, human_agent=True), tmp_path)
    page.hears("77", "Hello?", hours_ago=30)
    reply = rig.reply("Good morning.", provider_thread=f"t:{PAGE}:77", visibility="private")
    await rig.send(reply)
    assert len(page.told("77")) == 1
    with pytest.raises(Refused):  # an automaton is no human agent
        await rig.send(reply.model_copy(update={"purpose": "confirmation", "text": "We have it.", "reply_id": "r2"}))


async def test_what_can_never_be_a_message_is_refused(rig: Rig, page: Facebook) -> None:
    page.hears("77", "Hello?")
    file = ReplyAttachment(name="a.png", media_type="image/png", blob="sha256/" + "0" * 64, size=1)
    for given in (
        {"provider_thread": "t:999:77"},
        {"provider_thread": f"t:{PAGE}:78"},
        {"text": "x" * 2_001},
        {"text": " "},
        {"attachments": [file]},
    ):
        reply = rig.reply("Yes.", provider_thread=f"t:{PAGE}:77", visibility="private").model_copy(update=given)
        with pytest.raises(Refused):
            await rig.send(reply)
    assert not page.told("77")


@pytest.mark.parametrize(
    ("code", "subcode", "error", "kind"),
    [
        (190, 0, Retryable, "auth"),
        (10, 0, Retryable, "permission"),
        (10, 2018065, Refused, ""),
        (551, 1545041, Refused, ""),
        (551, 0, Refused, ""),
        (200, 1545041, Refused, ""),
        (613, 0, Retryable, "quota"),
        (2, 2018344, Retryable, "transient"),
    ],
)
async def test_codes_decide_for_a_message(
    rig: Rig, page: Facebook, code: int, subcode: int, error: type[Exception], kind: str
) -> None:
    page.hears("77", "Hello?")
    page.fail(f"POST /v23.0/{PAGE}/messages", code, subcode=subcode)
    with pytest.raises(error) as raised:
        await rig.send(rig.reply("Yes.", provider_thread=f"t:{PAGE}:77", visibility="private"))
    assert getattr(raised.value, "kind", "") == kind
