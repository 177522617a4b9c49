"""A Facebook page: webhook, poll, and what error codes mean."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from ingest.connectors.facebook import FACEBOOK
from ingest.facebook.error_codes import meaning_of
from tests.providers.account_settings import facebook_settings
from tests.providers.facebook import APP, PAGE, TOKEN, VERIFY, Facebook, signed
from tests.providers.rig import Rig


@pytest.fixture
def rig(page: Facebook, tmp_path: Path) -> Rig:
    return Rig(FACEBOOK, facebook_settings(page), tmp_path)


# -- webhook


async def test_a_comment_is_added_edited_hidden_and_removed(rig: Rig, page: Facebook) -> None:
    post = page.post("Our new teas", author=PAGE)
    comment = page.comment(post["id"], "Is the oolong in stock?")
    states = []
    changes = (("add", "Is the oolong in stock?"), ("edited", "Is it?"), ("hide", "Is it?"), ("remove", ""))
    for later, (verb, text) in enumerate(changes):
        assert await rig.status(*page.webhook(verb, comment | {"message": text}, later=later)) == 200
        (message,) = rig.messages()
        states.append((message.change, message.visibility))
    assert states == [("created", "public"), ("edited", "public"), ("edited", "private"), ("removed", "public")]
    assert [ref.value for ref in message.refs if ref.kind == "provider_thread"] == [post["id"]]


async def test_what_the_page_writes_is_no_customers(rig: Rig, page: Facebook) -> None:
    post = page.post("Our new teas", author=PAGE)
    await rig.call(*page.webhook("add", post))
    await rig.call(*page.webhook("add", page.comment(post["id"], "Enjoy!", author=PAGE)))
    assert not rig.messages()


async def test_other_pages_of_the_app_are_not_ours(rig: Rig, page: Facebook) -> None:
    comment = page.comment(page.post("hello")["id"], "hi")
    await rig.call(*page.webhook("add", comment, page="999"))
    assert not rig.raw
    ours = {"id": PAGE, "time": 1700000000, "changes": [{"field": "feed", "value": {
        "item": "comment", "verb": "add", "post_id": f"{PAGE}_1", "comment_id": "1_2", "parent_id": f"{PAGE}_1",
        "from": {"id": "91", "name": "Zoë"}, "message": "für uns", "created_time": 1700000000}}]}  # fmt: skip
    await rig.call(*signed({"object": "page", "entry": [{"id": "999", "changes": []}, ours, {"id": "998"}]}))
    assert rig.texts() == ["für uns"]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        (f"hub.mode=subscribe&hub.verify_token={VERIFY}&hub.challenge=1158201444", 200),
        ("hub.mode=subscribe&hub.verify_token=wrong&hub.challenge=1158201444", 403),
        ("hub.mode=subscribe&hub.challenge=1158201444", 403),
        (f"hub.mode=unsubscribe&hub.verify_token={VERIFY}&hub.challenge=1", 403),
        ("", 403),
    ],
)
async def test_the_challenge_is_for_whoever_knows_the_word(rig: Rig, query: str, status: int) -> None:
    assert await rig.status({}, method="GET", query=query) == status
    if status == 200:
        answer = await rig.call({}, method="GET", query=query)
        assert (answer.body, answer.media_type) == (b"1158201444", "text/plain")


@pytest.mark.parametrize("attack", ["wrong key", "missing", "altered", "re-serialized", "twice", "sha1"])
async def test_what_is_not_signed_with_the_apps_secret_is_refused(rig: Rig, page: Facebook, attack: str) -> None:
    comment = page.comment(page.post("hello")["id"], "hi")
    headers, body = page.webhook("add", comment)
    pairs = list(headers.items())
    if attack == "wrong key":
        pairs = list(page.webhook("add", comment, secret="another-secret")[0].items())
    elif attack == "missing":
        pairs = pairs[:1]
    elif attack == "altered":
        body = body.replace(b'"hi"', b'"ho"')
    elif attack == "re-serialized":
        body = body.replace(b'":', b'": ')
    elif attack == "twice":
        pairs.append(pairs[1])
    else:
        pairs = [pairs[0], ("x-hub-signature", "sha1=" + "0" * 40)]
    assert await rig.status(pairs, body) == 401
    assert not rig.raw


async def test_a_replay_and_another_order_change_nothing(rig: Rig, page: Facebook) -> None:
    comment = page.comment(page.post("hello")["id"], "hi")
    added = page.webhook("add", comment)
    edited = page.webhook("edited", comment | {"message": "hi there"}, later=1)
    for delivery in (edited, added, edited, added):
        await rig.call(*delivery)
    assert rig.texts() == ["hi there"]


def test_without_its_word_there_is_no_webhook(page: Facebook, tmp_path: Path) -> None:
    assert Rig(FACEBOOK, facebook_settings(page, verify_token=None), tmp_path).routes == []


# -- poll


async def test_the_poll_finds_posts_comments_and_changes(rig: Rig, page: Facebook) -> None:
    page.items[page.post("from before")["id"]]["created_time"] = "2020-01-01T00:00:00+0000"
    await rig.begun()
    post = page.post("Where is my parcel?")
    await rig.poll(lambda: rig.texts() == ["Where is my parcel?"])
    first = page.comment(post["id"], "Anybody?", author="92")
    page.comment(first["id"], "Same here.", author="93")
    page.comment(post["id"], "We look into it.", author=PAGE)
    await rig.poll(lambda: len(rig.messages()) == 3)
    threads = {ref.value for message in rig.messages() for ref in message.refs if ref.kind == "provider_thread"}
    assert threads == {post["id"]}
    records = len(rig.raw)
    first["message"] = "Anybody there?"
    await rig.poll(lambda: len(rig.raw) == records + 1)
    assert "Anybody there?" in rig.texts()
    assert len(rig.messages()) == 3


async def test_the_poll_finds_what_was_removed(rig: Rig, page: Facebook) -> None:
    await rig.begun()
    wall = page.post("Where is my parcel?")
    page.comment(wall["id"], "Anybody?", author="92")
    rude = page.comment(wall["id"], "Rubbish!", author="93")
    other = page.post("Good bye", author="94")
    await rig.poll(lambda: len(rig.messages()) == 4)
    records = len(rig.raw)
    del page.items[rude["id"]], page.items[other["id"]]
    await rig.poll(lambda: len(rig.raw) == records + 2)
    changes = {message.source_id: message.change for message in rig.messages()}
    assert {id_ for id_, change in changes.items() if change == "removed"} == {rude["id"], other["id"]}
    (gone,) = [message for message in rig.messages() if message.source_id == rude["id"]]
    assert [ref.value for ref in gone.refs] == [wall["id"]]


async def test_a_comment_that_is_only_not_listed_stays(rig: Rig, page: Facebook) -> None:
    await rig.begun()
    wall = page.post("Where is my parcel?")
    comment = page.comment(wall["id"], "Anybody?", author="92")
    await rig.poll(lambda: len(rig.messages()) == 2)
    records = len(rig.raw)
    comment["_post"] = "elsewhere"
    await rig.poll(lambda: any(line == f"GET /v23.0/{comment['id']}" for line in page.faulty.asked))
    assert len(rig.raw) == records


async def test_many_comments_are_read_page_by_page(rig: Rig, page: Facebook) -> None:
    await rig.begun()
    posts = [page.post(f"post {number}")["id"] for number in range(5)]
    for number in range(11):
        page.comment(posts[2], f"comment {number}")
    # the answers of the feed bring three comments of each post: what is not within is a record of its own
    await rig.poll(lambda: len(rig.messages()) == 16)
    assert sorted(rig.texts()) == sorted([f"post {n}" for n in range(5)] + [f"comment {n}" for n in range(11)])


@pytest.mark.parametrize(
    ("code", "meaning"),
    [
        (190, "sign_in"), (4, "wait"), (17, "wait"), (32, "wait"), (613, "wait"), (80001, "wait"), (10, "permission"),
        (200, "permission"), (299, "permission"), (100, "refused"), (1, "transient"), (2, "transient"),
        (506, "repeated"), (77777, "transient"), (None, "transient"),
    ],
)  # fmt: skip
def test_what_a_code_means(code: int | None, meaning: str) -> None:
    assert meaning_of(code) == meaning


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (190, "auth"), (10, "permission"), (200, "permission"), (4, "quota"), (32, "quota"), (1, "transient"),
        (100, "contract"),
    ],
)  # fmt: skip
async def test_codes_decide_for_the_poll(rig: Rig, page: Facebook, code: int, kind: str) -> None:
    await rig.begun()
    page.fail(f"GET /v23.0/{PAGE}/feed", code, status=500 if code == 190 else 400)  # whatever the status says
    await rig.poll(lambda: bool(rig.place.source.problems))
    problem = rig.place.source.problems["receive"]
    assert problem.kind == kind
    assert TOKEN not in str(problem)
    if kind == "auth":
        assert "sign in again" in str(problem)


async def test_facebook_says_how_long_to_wait(rig: Rig, page: Facebook) -> None:
    await rig.begun()
    usage = '{"500100": [{"type": "pages", "call_count": 100, "estimated_time_to_regain_access": 7}]}'
    page.fail(f"GET /v23.0/{PAGE}/feed", 32, x_business_use_case_usage=usage)
    await rig.poll(lambda: bool(rig.place.source.problems))
    assert rig.place.source.problems["receive"].after == 7 * 60


@pytest.mark.parametrize("days", [3, 60, None])
async def test_the_tokens_end_stands_in_the_status(page: Facebook, tmp_path: Path, days: int | None) -> None:
    ends = datetime.now(UTC).replace(microsecond=0) + timedelta(days=days) if days else None
    page.expires_at = int(ends.timestamp()) if ends else 0
    rig = Rig(FACEBOOK, facebook_settings(page, app_id=APP), tmp_path)
    await rig.begun()
    assert rig.place.source.credential_expires_at == ends
    assert not rig.health.problems


async def test_a_token_that_has_ended_is_said(page: Facebook, tmp_path: Path) -> None:
    rig = Rig(FACEBOOK, facebook_settings(page, app_id=APP, page_token="another-token"), tmp_path)
    await rig.begun()
    assert "sign in again" in rig.health.problems["public: token"]
