"""X: posts and messages in answer, and the pictures that go along."""

from decimal import Decimal
from pathlib import Path

import pytest

from bus.errors import Retryable
from bus.reply import Reply, ReplyAttachment
from ingest.connectors.x import X as ROW
from ingest.contract import Refused, Uncertain
from tests.providers.account_settings import PRICES, x_settings
from tests.providers.rig import Rig
from tests.providers.serving import Fault
from tests.providers.x import OWN, X, x


@pytest.fixture
def rig(api: X, tmp_path: Path) -> Rig:
    return Rig(ROW, x_settings(api), tmp_path)


async def test_an_answer_is_a_post_to_the_one_it_answers(rig: Rig, api: X) -> None:
    asked = api.write("@teahouse where?")
    id_ = await rig.send(rig.reply("On its way.", in_reply_to=asked["id"], provider_thread=asked["conversation_id"]))
    (post,) = api.ours
    assert (post["id"], post["text"], post["conversation_id"]) == (id_, "On its way.", asked["id"])


async def test_a_long_answer_is_a_thread(rig: Rig, api: X) -> None:
    asked = api.write("@teahouse why?")
    text = " ".join(f"Harvest number {number} was late this year, and so is the tea." for number in range(12))
    first = await rig.send(rig.reply(text, in_reply_to=asked["id"]))
    assert first == api.ours[0]["id"]
    assert len(api.ours) == 3
    parents = [post["referenced_tweets"][0]["id"] for post in api.ours]
    assert parents == [asked["id"], api.ours[0]["id"], api.ours[1]["id"]]
    assert " ".join(post["text"] for post in api.ours) == text


async def test_a_thread_that_broke_off_is_gone_on_with(rig: Rig, api: X) -> None:
    asked = api.write("@teahouse why?")
    texts = " ".join(f"Reason number {number} is as good as any other." for number in range(14))
    reply = rig.reply(texts, in_reply_to=asked["id"])
    sender = rig.sender()
    await sender.send(rig.reply("Hello.", in_reply_to=asked["id"], reply_id="r0"))
    api.faulty.faults.append(Fault("POST /2/tweets", 200, b'{"data": {"id": "1"}}'))  # the first part
    api.faulty.faults.append(Fault("POST /2/tweets", 503))
    with pytest.raises(Uncertain, match="1 of 3 posts are there"):
        await sender.send(reply)
    await sender.send(reply)
    assert len(api.ours) == 1 + 2
    await sender.close()


async def test_the_same_answer_after_a_crash_is_not_posted_twice(rig: Rig, api: X) -> None:
    asked = api.write("@teahouse where?")
    reply = rig.reply("On its way.", in_reply_to=asked["id"])
    api.faulty.faults.append(Fault("POST /2/tweets", how="cut"))
    with pytest.raises(Uncertain):
        await rig.send(reply)
    assert await rig.send(reply) == api.ours[0]["id"]  # by another sender: X knows the text
    assert len(api.ours) == 1


async def test_the_same_words_to_somebody_else_are_refused(rig: Rig, api: X) -> None:
    one, other = api.write("@teahouse where?"), api.write("@teahouse when?")
    await rig.send(rig.reply("On its way.", in_reply_to=one["id"]))
    with pytest.raises(Refused, match="other words"):
        await rig.send(rig.reply("On its way.", in_reply_to=other["id"]))


@pytest.mark.parametrize(
    ("status", "detail", "kind", "error"),
    [
        (403, "You attempted to reply to a Tweet that is deleted", "about:blank", Refused),
        (403, "Your client app lacks it", "https://api.twitter.com/2/problems/oauth1-permissions", Retryable),
        (400, "Your Tweet text is too long.", "about:blank", Refused),
        (401, "Unauthorized", "about:blank", Retryable),
        (500, "Internal", "about:blank", Uncertain),
        (503, "Over capacity", "about:blank", Uncertain),
    ],
)
async def test_what_a_failure_means_for_an_answer(
    rig: Rig, api: X, status: int, detail: str, kind: str, error: type[Exception]
) -> None:
    asked = api.write("@teahouse where?")
    api.fail("POST /2/tweets", status, detail, kind)
    with pytest.raises(error):
        await rig.send(rig.reply("On its way.", in_reply_to=asked["id"]))


async def test_no_connection_means_that_nothing_was_posted(rig: Rig, tmp_path: Path) -> None:
    with x() as gone:
        settings = x_settings(gone)
    away = Rig(ROW, settings, tmp_path)
    with pytest.raises(Retryable):
        await away.send(away.reply("Yes.", in_reply_to="5"))


async def test_what_can_never_be_posted_is_refused(rig: Rig, api: X) -> None:
    asked = api.write("@teahouse where?")
    for given in (
        {"in_reply_to": None},
        {"in_reply_to": "x/../y"},
        {"visibility": "private"},
        {"text": "  "},
        {"text": "word " * 2_000},
    ):
        with pytest.raises(Refused):
            await rig.send(rig.reply("Yes.", in_reply_to=asked["id"]).model_copy(update=given))
    assert not api.ours


async def test_a_direct_message_is_answered_by_one(rig: Rig, api: X) -> None:
    await rig.send(rig.reply("Your address?", provider_thread=f"42-{OWN}", visibility="private"))
    (sent,) = api.ours
    assert (sent["text"], sent["direct"]) == ("Your address?", "42")
    with pytest.raises(Refused):
        await rig.send(rig.reply("Your address?", provider_thread="42-43", visibility="private"))


async def _with_files(rig: Rig, reply: Reply, *files: tuple[str, str, bytes]) -> Reply:
    attached = [
        ReplyAttachment(name=name, media_type=kind, blob=await rig.place.blobs.put(data), size=len(data))
        for name, kind, data in files
    ]
    return reply.model_copy(update={"attachments": attached})


async def test_pictures_go_along_with_the_first_post_and_are_paid_for(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, x_settings(api, monthly_budget="10", prices=PRICES | {"file_uploaded": "2"}), tmp_path)
    asked = api.write("@teahouse where?")
    long = " ".join(f"Reason number {number} is as good as any other." for number in range(14))
    pictures = (("map.png", "image/png", b"a map"), ("door.jpg", "image/jpeg", b"a door"))
    await rig.send(await _with_files(rig, rig.reply(long, in_reply_to=asked["id"]), *pictures))
    assert [post["shows"] for post in api.ours] == [[b"a map", b"a door"], [], []]
    assert Decimal(rig.cursors.stored["public.sending"]["amount"]) == 3 + 2 * 2
    with pytest.raises(Retryable, match=r"costs 5\.00, and 3\.00 are left"):
        await rig.send(await _with_files(rig, rig.reply("Again.", in_reply_to=asked["id"]), *pictures))
    assert len(api.uploads) == 2


async def test_a_picture_goes_along_with_a_direct_message(rig: Rig, api: X) -> None:
    reply = rig.reply("Here.", provider_thread=f"42-{OWN}", visibility="private")
    await rig.send(await _with_files(rig, reply, ("map.webp", "image/webp", b"a map")))
    (sent,) = api.ours
    assert (sent["direct"], sent["shows"]) == ("42", [b"a map"])


@pytest.mark.parametrize(
    "files",
    [
        [("a.pdf", "application/pdf", b"x")],
        [("a.mp4", "video/mp4", b"x")],
        [("a.png", "image/png", bytes(5 * 1024 * 1024 + 1))],
        [("a.png", "image/png", b"x")] * 5,
    ],
)
async def test_files_that_x_does_not_take_are_refused_before_anything_is_said(
    rig: Rig, api: X, files: list[tuple[str, str, bytes]]
) -> None:
    asked = api.write("@teahouse where?")
    with pytest.raises(Refused, match="X takes"):
        await rig.send(await _with_files(rig, rig.reply("Here.", in_reply_to=asked["id"]), *files))
    assert (api.ours, api.uploads) == ([], {})


@pytest.mark.parametrize(("status", "error"), [(400, Refused), (401, Retryable), (429, Retryable), (503, Retryable)])
async def test_a_file_that_could_not_be_uploaded_leaves_nothing_behind(
    rig: Rig, api: X, status: int, error: type[Exception]
) -> None:
    asked = api.write("@teahouse where?")
    reply = await _with_files(rig, rig.reply("Here.", in_reply_to=asked["id"]), ("a.png", "image/png", b"x"))
    api.fail("POST /2/media/upload", status, "no")
    with pytest.raises(error):
        await rig.send(reply)
    assert not api.ours
    await rig.send(reply)  # by the next attempt
    assert [post["shows"] for post in api.ours] == [[b"x"]]
