"""X: mentions within a budget, webhook, posts in answer."""

import json
from base64 import b64encode
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from bus.errors import Retryable
from bus.reply import Reply, ReplyAttachment
from ingest.connectors.x import X as ROW
from ingest.contract import Refused, Uncertain
from ingest.x.calls import CallAlarm
from ingest.x.webhook import crc_answer
from tests.providers.rig import Rig
from tests.providers.serving import Fault
from tests.providers.telephony import RECORDING, recordings
from tests.providers.x import KEYS, NAME, OWN, X, activity, webhook, x

ENDLESS = "1000000"


@pytest.fixture
def api() -> Iterator[X]:
    with x() as running:
        yield running


def _settings(api: X, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any setting
    return {
        "user_id": OWN, "username": f"@{NAME}", "consumer_key": KEYS[0], "consumer_secret": KEYS[1],
        "access_token": KEYS[2], "access_token_secret": KEYS[3], "webhook": True, "monthly_budget": ENDLESS,
        "api_url": api.url, "poll_every": 0.01, "slowest": 0.05, **more,
    }  # fmt: skip


@pytest.fixture
def rig(api: X, tmp_path: Path) -> Rig:
    return Rig(ROW, _settings(api), tmp_path)


# -- mentions


async def test_a_mention_comes_in_once(rig: Rig, api: X) -> None:
    await rig.begun()
    post = api.write("@teahouse where is my parcel?")
    await rig.poll(lambda: len(rig.raw) == 1)
    api.write("@teahouse anybody?", to=int(post["id"]))
    await rig.poll(lambda: len(rig.raw) == 2)
    first, second = rig.messages()
    assert (first.text, first.author.address, first.author.name) == ("@teahouse where is my parcel?", "42", "Person 42")
    assert second.reply_text == "anybody?"
    assert {ref.value for m in (first, second) for ref in m.refs if ref.kind == "provider_thread"} == {post["id"]}


async def test_own_posts_and_retweets_are_nobodys(rig: Rig, api: X) -> None:
    await rig.begun()
    api.write("we say @teahouse", author=OWN)
    api.write("RT @teahouse: tea", referenced_tweets=[{"type": "retweeted", "id": "5"}])
    api.write("@teahouse meant")
    await rig.poll(lambda: bool(rig.raw))
    assert rig.texts() == ["@teahouse meant"]


async def test_an_edit_is_the_same_message_and_a_long_post_is_whole(rig: Rig, api: X) -> None:
    await rig.begun()
    first = api.write("@teahouse tpyo")
    await rig.poll(lambda: len(rig.raw) == 1)
    second = api.write("@teahouse typo")
    second["edit_history_tweet_ids"] = [first["id"], second["id"]]
    whole = "@teahouse " + "a long story " * 60
    api.write(whole[:270] + "…", note_tweet={"text": whole})
    await rig.poll(lambda: len(rig.messages()) == 2)
    edited, long = rig.messages()
    assert (edited.text, edited.change, edited.source_id) == ("@teahouse typo", "edited", first["id"])
    assert long.text == whole


async def test_many_mentions_are_read_page_by_page_and_a_restart_goes_on(rig: Rig, api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, _settings(api, page=5), tmp_path)
    await rig.begun()
    for number in range(23):
        api.write(f"mention {number}")
    await rig.poll(lambda: len(rig.raw) >= 2)
    later = Rig(ROW, _settings(api, page=5), tmp_path, after=rig)
    api.write("meanwhile")
    await later.poll(lambda: len(later.texts()) == 24)
    assert sorted(later.texts()) == sorted([f"mention {n}" for n in range(23)] + ["meanwhile"])


async def test_pictures_are_kept(api: X, tmp_path: Path) -> None:
    with recordings() as server:
        rig = Rig(ROW, _settings(api, inside=[server.url]), tmp_path)
        await rig.begun()
        api.media["3_1"] = {"media_key": "3_1", "type": "photo", "url": f"{server.url}/good.wav"}
        api.write("@teahouse look", attachments={"media_keys": ["3_1"]})
        await rig.poll(lambda: bool(rig.raw))
    (file,) = rig.messages()[0].attachments
    assert file.blob
    assert await rig.place.blobs.get(file.blob) == RECORDING


async def test_a_wait_that_x_asks_for_is_kept(rig: Rig, api: X) -> None:
    await rig.begun()
    api.limit(f"GET /2/users/{OWN}/mentions", 700)
    await rig.poll(lambda: bool(rig.place.source.problems))
    problem = rig.place.source.problems["receive"]
    assert problem.kind == "quota"
    assert problem.after == pytest.approx(700, abs=60)
    assert sum("mentions" in line for line in api.faulty.asked) <= 2


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "auth"), (403, "permission"), (402, "quota"), (503, "transient"), (400, "contract")]
)
async def test_what_goes_wrong_has_a_class(rig: Rig, api: X, status: int, kind: str) -> None:
    await rig.begun()
    api.fail(f"GET /2/users/{OWN}/mentions", status, "It is so.")
    await rig.poll(lambda: bool(rig.place.source.problems))
    problem = rig.place.source.problems["receive"]
    assert problem.kind == kind
    assert not any(secret in str(problem) for secret in KEYS)


async def test_x_away_is_transient(rig: Rig, api: X) -> None:
    await rig.begun()
    api.faulty.faults.append(Fault(f"GET /2/users/{OWN}/mentions", how="cut"))
    await rig.poll(lambda: bool(rig.place.source.problems))
    assert rig.place.source.problems["receive"].kind == "transient"


# -- money

PRICES = {"post_read": "0.10", "user_read": "0.20", "post_written": "1", "post_with_link": "3"}


async def test_reading_stops_before_the_budget_is_overdrawn_and_says_so(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, _settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    await rig.begun()
    for number in range(100):
        api.write(f"mention {number}", author=str(number))
    await rig.poll(lambda: bool(rig.place.source.problems))
    problem = rig.place.source.problems["receive"]
    assert problem.kind == "quota"
    assert "money is used up (6.00 of 6.00)" in str(problem)
    assert api.read == 20  # at 0.30 each
    quota = rig.place.source.quotas["money"]
    assert (round(quota.used, 6), quota.limit, quota.unit) == (6, 6, "USD")


async def test_no_restart_forgets_what_was_spent(api: X, tmp_path: Path) -> None:
    settings = _settings(api, monthly_budget="6", prices=PRICES)
    rig = Rig(ROW, settings, tmp_path)
    await rig.begun()
    for number in range(100):
        api.write(f"mention {number}", author=str(number))
    await rig.poll(lambda: bool(rig.place.source.problems))
    later = Rig(ROW, settings, tmp_path, after=rig)
    await later.poll(lambda: bool(later.place.source.problems))
    assert api.read == 20


async def test_a_new_month_begins_with_nothing_spent(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, _settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    await rig.begun()
    await rig.cursors.store("public.reading", {"month": "2020-01", "amount": "6"})
    await rig.cursors.store("public.sending", {"month": "2020-01", "amount": "6"})
    api.write("hello")
    await rig.poll(lambda: bool(rig.raw))
    assert json.loads(json.dumps(rig.cursors.stored["public.reading"])) == {
        "month": f"{datetime.now(UTC):%Y-%m}", "amount": "0.30",
    }  # fmt: skip


async def test_money_spent_while_kafka_is_away_counts(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, _settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    await rig.begun()
    for number in range(100):
        api.write(f"mention {number}", author=str(number))
    rig.bus.reachable = False  # each look is paid for and lost
    await rig.poll(lambda: "money" in str(rig.place.source.problems.get("receive")))
    assert api.read <= 20


async def test_what_is_reserved_for_answers_is_not_read_away(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, _settings(api, monthly_budget="6", reserved_for_replies="3", prices=PRICES), tmp_path)
    await rig.begun()
    posts = [api.write(f"mention {number}", author=str(number)) for number in range(100)]
    await rig.poll(lambda: bool(rig.place.source.problems))
    assert api.read == 10
    for number in range(3):
        await rig.send(rig.reply(f"Yes, {number}.", in_reply_to=posts[number]["id"], reply_id=f"r{number}"))
    with pytest.raises(Retryable, match=r"0\.00 are left") as raised:
        await rig.send(rig.reply("Yes, 4.", in_reply_to=posts[4]["id"]))
    assert raised.value.kind == "quota"
    assert len(api.ours) == 3


async def test_an_answer_with_a_link_costs_more(api: X, tmp_path: Path) -> None:
    rig = Rig(ROW, _settings(api, monthly_budget="6", prices=PRICES), tmp_path)
    post = api.write("hello")
    await rig.send(rig.reply("See https://tea.example.org/oolong.", in_reply_to=post["id"]))
    assert Decimal(rig.cursors.stored["public.sending"]["amount"]) == 3


# -- webhook


async def test_account_activity_comes_in(rig: Rig) -> None:
    assert await rig.status(*webhook(activity("@teahouse hello"))) == 200
    await rig.call(*webhook(activity("ours", id_="1802", author=OWN)))
    await rig.call(*webhook({"for_user_id": OWN, "favorite_events": [{"id": "1"}]}))
    await rig.call(*webhook(activity("for another account") | {"for_user_id": "77"}))
    assert rig.texts() == ["@teahouse hello"]
    assert len(rig.raw) == 2


async def test_a_deletion_is_the_last_revision(rig: Rig) -> None:
    created = webhook(activity("@teahouse hello"))
    gone = {"status": {"id": "1801", "user_id": "42"}, "timestamp_ms": "1767607300000"}
    removed = webhook({"for_user_id": OWN, "tweet_delete_events": [gone]})
    for delivery in (removed, created, removed, created):
        await rig.call(*delivery)
    (message,) = rig.messages()
    assert message.change == "removed"


@pytest.mark.parametrize("attack", ["wrong key", "missing", "altered", "re-serialized", "twice", "hex"])
async def test_what_is_not_signed_with_the_consumer_secret_is_refused(rig: Rig, attack: str) -> None:
    headers, body = webhook(activity("hello"))
    pairs = list(headers.items())
    if attack == "wrong key":
        pairs = list(webhook(activity("hello"), "another-secret")[0].items())
    elif attack == "missing":
        pairs = pairs[:1]
    elif attack == "altered":
        body = body.replace(b"hello", b"hallo")
    elif attack == "re-serialized":
        body = body.replace(b'":', b'": ')
    elif attack == "twice":
        pairs.append(pairs[1])
    else:
        pairs = [pairs[0], (pairs[1][0], "sha256=" + "0" * 64)]
    assert await rig.status(pairs, body) == 401
    assert not rig.raw


async def test_the_question_of_every_hour_is_answered(rig: Rig) -> None:
    answer = await rig.call({}, method="GET", query="crc_token=abc&nonce=1")
    right = crc_answer(SecretStr(KEYS[1]), "abc")
    assert json.loads(bytes(answer.body)) == right
    assert right["response_token"].startswith("sha256=")
    assert await rig.status({}, method="GET") == 400
    rig.bus.reachable = False
    assert await rig.status({}, method="GET", query="crc_token=abc") == 200


async def test_nobody_is_given_the_signature_of_a_body(rig: Rig) -> None:
    """The digest that answers a token is the one that signs a webhook."""
    body = json.dumps(activity("@teahouse forged"), separators=(",", ":"))[:450]
    for token in (body, '{"data":{}}', "a&b", "[1]", " ", "x" * 201):
        assert await rig.status({}, method="GET", query=urlencode({"crc_token": token})) == 400
    answer = await rig.call({}, method="GET", query="crc_token=tweet_create_events=1")
    given = json.loads(bytes(answer.body))["response_token"]
    assert await rig.status({"x-twitter-webhooks-signature": given}, b"tweet_create_events=1") == 400
    assert not rig.raw


def test_the_answer_of_a_known_token() -> None:
    import hashlib
    import hmac

    digest = hmac.new(b"secret-secret", b"token", hashlib.sha256).digest()
    assert crc_answer(SecretStr("secret-secret"), "token") == {
        "response_token": "sha256=" + b64encode(digest).decode()
    }  # fmt: skip


async def test_a_day_without_a_question_raises_the_alarm(rig: Rig) -> None:
    now = datetime(2026, 1, 5, 10, tzinfo=UTC)
    hearing, looking = (CallAlarm(rig.place, now=lambda: now) for _ in range(2))
    await looking.look()  # from here on it is waited for
    now += timedelta(hours=23)
    await looking.look()
    assert not rig.health.problems
    now += timedelta(hours=2)
    await looking.look()
    assert "has not called the webhook for 25 h" in rig.health.problems["public: webhook"]
    await hearing.heard()
    await looking.look()
    assert not rig.health.problems


def test_without_account_activity_there_is_no_route(api: X, tmp_path: Path) -> None:
    assert Rig(ROW, _settings(api, webhook=False), tmp_path).routes == []


# -- answers


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
        settings = _settings(gone)
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
    rig = Rig(ROW, _settings(api, monthly_budget="10", prices=PRICES | {"file_uploaded": "2"}), tmp_path)
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
