"""A Discourse forum: webhook, poll, posts in answer."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest

from bus.errors import Retryable
from bus.reply import ReplyAttachment
from ingest.connectors.forum import FORUM
from ingest.contract import Refused, Uncertain
from tests.providers.discourse import KEY, SECRET, USER, Discourse, discourse
from tests.providers.rig import Rig
from tests.providers.serving import Fault


@pytest.fixture
def forum() -> Iterator[Discourse]:
    with discourse() as running:
        yield running


def _settings(forum: Discourse, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any setting
    return {
        "url": forum.url, "api_key": KEY, "api_username": USER, "webhook_secret": SECRET, "poll_every": 0.01, **more,
    }  # fmt: skip


@pytest.fixture
def rig(forum: Discourse, tmp_path: Path) -> Rig:
    return Rig(FORUM, _settings(forum), tmp_path)


# -- webhook


async def test_a_post_comes_in_and_what_happens_to_it_is_the_same_message(rig: Rig, forum: Discourse) -> None:
    post = forum.write("Is the kettle back?")
    assert await rig.status(*forum.webhook("post_created", post)) == 200
    assert await rig.status(*forum.webhook("post_edited", forum.edit(post["id"], "Is the blue kettle back?"))) == 200
    (message,) = rig.messages()
    assert (message.text, message.change, message.visibility) == ("Is the blue kettle back?", "edited", "public")
    assert message.source_url == f"{forum.url}/t/topic-7/7/1"
    await rig.call(*forum.webhook("post_destroyed", forum.remove(post["id"])))
    (message,) = rig.messages()
    assert message.change == "removed"


async def test_staff_are_agents_and_our_own_posts_nobody(rig: Rig, forum: Discourse) -> None:
    await rig.call(*forum.webhook("post_created", forum.write("We are looking.", user="agent_bea")))
    await rig.call(*forum.webhook("post_created", forum.write("We have answered.", user=USER)))
    (message,) = rig.messages()
    assert (message.automation.kind, message.automation.reason) == ("system", "author:staff")


async def test_only_watched_categories_and_no_personal_messages(forum: Discourse, tmp_path: Path) -> None:
    rig = Rig(FORUM, _settings(forum, categories=[4]), tmp_path)
    await rig.call(*forum.webhook("post_created", forum.write("offtopic", category=9)))
    await rig.call(*forum.webhook("post_created", forum.write("to support", topic_archetype="private_message")))
    await rig.call(*forum.webhook("post_created", forum.write("meant")))
    assert rig.texts() == ["meant"]


async def test_the_same_delivery_again_and_out_of_order_changes_nothing(rig: Rig, forum: Discourse) -> None:
    post = forum.write("first")
    created = forum.webhook("post_created", post)
    edited = forum.webhook("post_edited", forum.edit(post["id"], "second"))
    for delivery in (edited, created, edited, created):
        await rig.call(*delivery)
    assert rig.texts() == ["second"]
    assert len(rig.raw) == 2  # a repetition in this process costs no record
    later = Rig(FORUM, _settings(forum), Path(rig.place.data), after=rig)
    await later.call(*created)
    assert later.texts() == ["second"]


def _twice(headers: dict[str, str], name: str) -> Sequence[tuple[str, str]]:
    return [*headers.items(), (name, headers[name])]


SIGNATURE = "x-discourse-event-signature"


@pytest.mark.parametrize("attack", ["wrong key", "missing", "altered", "re-serialized", "twice", "bare", "upper case"])
async def test_what_is_not_signed_with_the_secret_is_refused(rig: Rig, forum: Discourse, attack: str) -> None:
    headers, body = forum.webhook("post_created", forum.write("hello"))
    pairs: Sequence[tuple[str, str]] = list(headers.items())
    if attack == "wrong key":
        pairs = list(forum.webhook("post_created", forum.write("hello"), secret="another-secret")[0].items())
    elif attack == "missing":
        pairs = [pair for pair in pairs if pair[0] != SIGNATURE]
    elif attack == "altered":
        body = body.replace(b"hello", b"hallo")
    elif attack == "re-serialized":
        body = body.replace(b'":', b'": ')
    elif attack == "twice":
        pairs = _twice(headers, SIGNATURE)
    elif attack == "bare":
        pairs = list((headers | {SIGNATURE: headers[SIGNATURE].removeprefix("sha256=")}).items())
    else:
        pairs = list((headers | {SIGNATURE: headers[SIGNATURE].upper()}).items())
    assert await rig.status(pairs, body) == 401
    assert not rig.raw


async def test_an_old_body_cannot_stand_for_a_new_event(rig: Rig, forum: Discourse) -> None:
    """The id of an event is not signed."""
    old_headers, old_body = forum.webhook("post_created", forum.write("old"))
    new_headers, new_body = forum.webhook("post_created", forum.write("new"))
    await rig.call(old_headers | {"x-discourse-event-id": new_headers["x-discourse-event-id"]}, old_body)
    await rig.call(new_headers, new_body)
    assert rig.texts() == ["old", "new"]


async def test_without_a_secret_there_is_no_webhook(forum: Discourse, tmp_path: Path) -> None:
    assert Rig(FORUM, _settings(forum, webhook_secret=None), tmp_path).routes == []


# -- poll


async def test_the_poll_finds_what_no_webhook_told_and_nothing_from_before(rig: Rig, forum: Discourse) -> None:
    forum.write("from before")
    await rig.begun()
    new, edited = forum.write("new"), forum.write("typo")
    await rig.poll(lambda: len(rig.raw) == 2)
    forum.edit(edited["id"], "corrected")
    forum.remove(new["id"])
    await rig.poll(lambda: len(rig.raw) == 4)
    assert [(message.change, message.text) for message in rig.messages()] == [
        ("removed", "new"),
        ("edited", "corrected"),
    ]


async def test_a_poll_after_a_long_silence_reads_page_by_page_and_loses_nothing(rig: Rig, forum: Discourse) -> None:
    await rig.begun()
    for number in range(130):
        forum.write(f"post {number}", user="silent" if 40 <= number < 110 else "ana", category=4)
        if 40 <= number < 110:
            forum.posts[max(forum.posts)]["topic_archetype"] = "private_message"  # a whole page of nothing for us
    await rig.poll(lambda: len(rig.raw) >= 60)
    assert sorted(rig.texts()) == sorted(f"post {n}" for n in range(130) if not 40 <= n < 110)
    assert len(rig.raw) == 60


async def test_a_restart_in_the_middle_goes_on_where_it_was(rig: Rig, forum: Discourse) -> None:
    await rig.begun()
    for number in range(120):
        forum.write(f"post {number}")
    await rig.poll(lambda: len(rig.raw) >= 50)
    later = Rig(FORUM, _settings(forum), Path(rig.place.data), after=rig)
    forum.write("meanwhile")
    await later.poll(lambda: len(later.texts()) == 121)
    assert len(later.raw) <= 121 + 50  # at most the page in hand again


async def test_a_wait_that_the_forum_asks_for_is_kept(rig: Rig, forum: Discourse) -> None:
    await rig.begun()
    forum.faulty.faults.append(Fault("GET /posts.json", 429, headers={"Retry-After": "1200"}))
    asked = len(forum.faulty.asked)
    await rig.poll(lambda: bool(rig.place.source.problems))
    problem = rig.place.source.problems["receive"]
    assert (problem.kind, problem.after) == ("quota", 1200)
    assert len(forum.faulty.asked) == asked + 1


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault("GET /posts.json", 403), "permission"),
        (Fault("GET /posts.json", 502), "transient"),
        (Fault("GET /posts.json", 200, b"<html>maintenance"), "contract"),
        (Fault("GET /posts.json", 302, headers={"location": "https://evil.example/"}), "contract"),
        (Fault("GET /posts.json", how="cut"), "transient"),
    ],
    ids=lambda value: value if isinstance(value, str) else str(value.status),
)
async def test_what_goes_wrong_has_a_class(rig: Rig, forum: Discourse, fault: Fault, kind: str) -> None:
    forum.faulty.faults.append(fault)
    await rig.poll(lambda: bool(rig.place.source.problems))
    problem = rig.place.source.problems["receive"]
    assert problem.kind == kind
    assert KEY not in str(problem)


# -- posts in answer


async def test_an_answer_is_a_post_of_ours_under_the_one_it_answers(rig: Rig, forum: Discourse) -> None:
    forum.write("Hello")
    asked = forum.write("Is the kettle back?")
    id_ = await rig.send(rig.reply("It is.", provider_thread="7", in_reply_to=str(asked["id"])))
    (post,) = forum.of(USER)
    assert (str(post["id"]), post["raw"], post["topic_id"]) == (id_, "It is.", 7)
    assert post["reply_to_post_number"] == asked["post_number"]


async def test_the_same_answer_again_is_not_posted_twice(rig: Rig, forum: Discourse) -> None:
    for number in range(30):
        forum.write(f"post {number}")
    reply = rig.reply("It is.", provider_thread="7")
    forum.faulty.faults.append(Fault("POST /posts.json", how="cut"))
    with pytest.raises(Uncertain):
        await rig.send(reply)
    assert await rig.send(reply) == str(forum.of(USER)[0]["id"])
    assert len(forum.of(USER)) == 1


@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault("POST /posts.json", 429, headers={"retry-after": "9"}), Retryable),
        (Fault("POST /posts.json", 503), Retryable),
        (Fault("POST /posts.json", 403), Retryable),
        (Fault("POST /posts.json", 422, b'{"errors": ["Body is too similar"]}'), Refused),
        (Fault("POST /posts.json", 500), Uncertain),
        (Fault("POST /posts.json", how="cut"), Uncertain),
        (Fault("GET /t/7.json", 502), Retryable),
    ],
    ids=str,
)
async def test_what_a_failure_means_for_an_answer(
    rig: Rig, forum: Discourse, fault: Fault, error: type[Exception]
) -> None:
    forum.write("Hello")
    forum.faulty.faults.append(fault)
    with pytest.raises(error):
        await rig.send(rig.reply("It is.", provider_thread="7"))


async def test_what_can_never_be_posted_is_refused(rig: Rig, forum: Discourse) -> None:
    forum.write("Hello")
    forum.closed.add(8)
    forum.write("Hello", topic=8)
    for given in (
        {},
        {"provider_thread": "no"},
        {"provider_thread": "99"},
        {"provider_thread": "8"},
        {"provider_thread": "7", "visibility": "private"},
        {"provider_thread": "7", "text": "x" * 40_000},
    ):
        with pytest.raises(Refused):
            await rig.send(rig.reply("It is.").model_copy(update=given))
    assert not forum.of(USER)


async def test_a_private_answer_stays_in_a_personal_message(rig: Rig, forum: Discourse) -> None:
    forum.write("Hello", topic_archetype="private_message")
    await rig.send(rig.reply("Your address is …", provider_thread="7", visibility="private"))
    assert [post["raw"] for post in forum.of(USER)] == ["Your address is …"]


async def test_files_go_along(rig: Rig, forum: Discourse) -> None:
    forum.write("Hello")
    blob = await rig.place.blobs.put(b"picture")
    file = ReplyAttachment(name="a|b.png", media_type="image/png", blob=blob, size=7)
    await rig.send(rig.reply("See below.", provider_thread="7", attachments=[file]))
    assert forum.of(USER)[0]["raw"] == "See below.\n\n![a_b.png](upload://a_b.png)"
