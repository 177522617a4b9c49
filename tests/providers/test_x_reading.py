"""X: mentions that are read, and what its webhook brings."""

import json
from base64 import b64encode
from datetime import UTC, datetime, timedelta
from pathlib import Path
from urllib.parse import urlencode

import pytest
from pydantic import SecretStr

from ingest.connectors.x import X as ROW
from ingest.x.calls import CallAlarm
from ingest.x.webhook import crc_answer
from tests.providers.account_settings import x_settings
from tests.providers.rig import Rig
from tests.providers.serving import Fault
from tests.providers.telephony import RECORDING, recordings
from tests.providers.x import KEYS, OWN, X, activity, webhook


@pytest.fixture
def rig(api: X, tmp_path: Path) -> Rig:
    return Rig(ROW, x_settings(api), tmp_path)


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
    rig = Rig(ROW, x_settings(api, page=5), tmp_path)
    await rig.begun()
    for number in range(23):
        api.write(f"mention {number}")
    await rig.poll(lambda: len(rig.raw) >= 2)
    later = Rig(ROW, x_settings(api, page=5), tmp_path, after=rig)
    api.write("meanwhile")
    await later.poll(lambda: len(later.texts()) == 24)
    assert sorted(later.texts()) == sorted([f"mention {n}" for n in range(23)] + ["meanwhile"])


async def test_pictures_are_kept(api: X, tmp_path: Path) -> None:
    with recordings() as server:
        rig = Rig(ROW, x_settings(api, inside=[server.url]), tmp_path)
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
    assert Rig(ROW, x_settings(api, webhook=False), tmp_path).routes == []
