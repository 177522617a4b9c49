"""Events of one thing are revisions of one message, in the order in which they happened (docs/adr/0011)."""

import json
from itertools import pairwise

import pytest

from bus.message import Channel, NormalizedMessage
from normalize.outcome import Understood
from normalize.table import NORMALIZERS
from tests.normalize.payload_cases import GOLDEN, record

SERIES: dict[tuple[Channel, str], list[str]] = {
    ("phone", "a call by sipgate"): ["sipgate_new_call_to_two", "sipgate_answered", "sipgate_missed"],
    ("phone", "a call by Placetel"): ["placetel_incoming", "placetel_accepted_by", "placetel_voicemail"],
    ("phone", "a voicemail by Exotel"): ["exotel_asked_by_get", "exotel_voicemail"],
    ("phone", "a voicemail by Twilio"): [
        "twilio_ringing", "twilio_dialled_leg_answered", "twilio_dialling_failed", "twilio_voicemail_recorded",
        "twilio_transcript",
    ],
    ("facebook", "a comment"): [
        "comment_added", "comment_edited_is_a_revision", "comment_hidden_is_private", "comment_removed_is_a_revision",
    ],
    ("facebook", "a message"): ["messenger_text_file_place_and_answer_to", "messenger_edit_and_receipts"],
    ("forum", "a post"): [
        "post_created_with_quote_and_picture", "post_edited_is_a_revision", "post_destroyed_is_a_revision",
    ],
    ("x", "a post"): ["account_activity_mention", "stream_deletion_is_the_last_revision"],
    ("chat", "a message on Telegram"): [
        "telegram_text_with_hidden_link_and_answer_to", "telegram_edited_is_a_revision",
        "telegram_business_messages_deleted",
    ],
    ("chat", "a message on Slack"): ["slack_own_bot_other_bot_and_join", "slack_edit_and_link_preview",
                                     "slack_deleted_is_the_last_revision"],
    ("chat", "a message on Webex"): ["webex_notice_without_text", "webex_message_fetched",
                                     "webex_removed_membership_and_bot"],
}  # fmt: skip


def first(channel: Channel, body: bytes, **more: object) -> NormalizedMessage:
    found = NORMALIZERS[channel](record(channel, **more), body)
    return next(each.message for each in found if isinstance(each, Understood))


@pytest.mark.parametrize(("channel", "what"), SERIES)
def test_one_message_and_rising_revisions(channel: Channel, what: str) -> None:
    bodies = [(GOLDEN / channel / f"{name}.in.json").read_bytes() for name in SERIES[channel, what]]
    messages = [first(channel, body) for body in bodies]
    assert len({message.message_id for message in messages}) == 1
    assert all(earlier.revision < later.revision for earlier, later in pairwise(messages))
    assert messages[0].change == "created"
    assert {message.change for message in messages[1:]} <= {"edited", "removed", "created"}


def test_the_same_event_received_again_is_the_same_revision() -> None:
    body = (GOLDEN / "phone" / "sipgate_missed.in.json").read_bytes()
    assert first("phone", body) == first("phone", body)


def post(event: str, **more: str) -> NormalizedMessage:
    fields: dict[str, object] = {
        "id": 1, "user_id": 5, "topic_id": 2, "raw": "x", "version": 2,
        "created_at": "2026-03-04T09:00:00Z", "updated_at": "2026-03-04T09:10:00Z",
    }  # fmt: skip
    body = json.dumps({"post": fields | more})
    return first("forum", body.encode(), headers={":method": "POST", "x-discourse-event": event})


def test_a_post_brought_back_comes_after_its_removal_and_a_poll_agrees_with_the_webhook() -> None:
    removed = post("post_destroyed", deleted_at="2026-03-04T09:12:00Z")
    recovered = post("post_recovered")  # heard of at 09:16
    assert removed.revision < recovered.revision
    polled = json.dumps({"latest_posts": [{
        "id": 1, "user_id": 5, "topic_id": 2, "raw": "x", "version": 2, "created_at": "2026-03-04T09:00:00Z",
        "updated_at": "2026-03-04T09:10:00Z"}]})  # fmt: skip
    edited = post("post_edited")
    again = first("forum", polled.encode())
    assert (again.message_id, again.revision, again.change) == (edited.message_id, edited.revision, "edited")


def test_edits_of_a_post_on_x_keep_the_first_id() -> None:
    def version(id_: str, *history: str) -> NormalizedMessage:
        data = {"id": id_, "author_id": "5", "text": id_, "edit_history_tweet_ids": list(history)}
        return first("x", json.dumps({"data": data}).encode())

    one, two, three = version("1", "1"), version("2", "1", "2"), version("3", "1", "2", "3")
    assert len({message.message_id for message in (one, two, three)}) == 1
    assert [message.revision for message in (one, two, three)] == [0, 1, 2]
    assert version("2", "1", "2", "3").revision == 1  # read later, when a third was there


def test_polled_and_pushed_comments_are_one() -> None:
    pushed = first("facebook", (GOLDEN / "facebook" / "comment_added.in.json").read_bytes())
    when = "2026-03-04T09:15:30+0000"
    author = {"id": "41", "name": "Finn Berg"}
    comment = {"id": "310_311", "from": author, "message": "Where is my parcel?", "created_time": when}
    answer = {"data": [{"id": "300_310", "from": {"id": "300"}, "message": "Kettles", "created_time": when,
                        "comments": {"data": [comment]}}]}  # fmt: skip
    polled = first("facebook", json.dumps(answer).encode())
    same = ("message_id", "revision", "author", "text", "sent_at", "refs", "visibility")
    assert [getattr(pushed, name) for name in same] == [getattr(polled, name) for name in same]
