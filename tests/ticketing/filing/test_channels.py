"""What customers send on every channel, as its provider tells it, through the channel's own normalizer into tickets.

The payloads are those of tests/golden; each line is a story. Told twice, and backwards, it comes to the same.
"""

from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import pytest

from bus.message import CHANNELS, Channel, NormalizedMessage, RawPosition
from bus.settings import DeskSettings
from normalize.outcome import Understood
from normalize.table import NORMALIZERS
from tests.normalize.payload_cases import GOLDEN, record_of
from tests.ticketing.filing.conftest import Desk
from tests.ticketing.filing.said import TOKENS, said
from ticketing.confirm import Confirming

pytestmark = pytest.mark.stack

CONFIRMING = Confirming(DeskSettings(reply_via=dict.fromkeys(CHANNELS, "support-mail")), TOKENS)


class Story(NamedTuple):
    """Payloads in the order they happened. `tickets`: by number, the messages that count, and how it was confirmed.

    `aside`: why others are in no ticket.
    """

    channel: Channel
    payloads: tuple[str, ...]
    tickets: tuple[tuple[int, str], ...]
    aside: tuple[str, ...] = ()


STORIES = [
    Story("website", ("ticket_json_with_file_and_fields",), ((1, "email jun@mori.example"),)),
    Story("website", ("idempotency_key_and_no_address",), ((1, "no_way"),)),
    Story("web_form", ("multipart_two_files_and_empty_input",), ((1, "email ida@tea.example"),)),
    Story("web_form", ("feedback_urlencoded",), (), ("feedback",)),
    Story("web_form", ("anonymous_feedback",), (), ("feedback",)),
    Story("phone", ("placetel_incoming",), (), ("call",)),
    Story("phone", ("placetel_incoming", "placetel_accepted_by"), (), ("call",)),
    Story("phone", ("placetel_incoming", "placetel_voicemail"), ((1, "no_way"),)),
    Story("phone", ("placetel_blocked",), (), ("call",)),
    Story("phone", ("placetel_withheld",), (), ("call",)),
    Story("phone", ("sipgate_new_call_to_two", "sipgate_missed"), ((1, "no_way"),)),
    Story("phone", ("sipgate_new_call_to_two", "sipgate_answered"), (), ("call",)),
    Story("phone", ("sipgate_outgoing",), (), ("call",)),
    Story("phone", ("exotel_asked_by_get", "exotel_voicemail"), ((1, "no_way"),)),
    Story("phone", ("exotel_answered",), (), ("call",)),
    Story(
        "phone",
        ("twilio_ringing", "twilio_dialling_failed", "twilio_voicemail_recorded", "twilio_transcript"),
        ((1, "no_way"),),
    ),
    Story("phone", ("twilio_ringing", "twilio_dialled_leg_answered"), (), ("call",)),
    Story("phone", ("twilio_outgoing",), (), ("call",)),
    Story("chat", ("own_frame_message_with_upload",), ((1, "chat s-77"),)),
    Story("chat", ("own_frame_message_with_upload", "own_frame_rating_and_typing"), ((1, "chat s-77"),)),
    Story("chat", ("sms_text", "sms_raw_form_body"), ((2, "chat +491701112233"),)),
    Story("chat", ("telegram_text_with_hidden_link_and_answer_to",), ((1, "chat 71"),)),
    Story("chat", ("telegram_text_with_hidden_link_and_answer_to", "telegram_edited_is_a_revision"), ((1, "chat 71"),)),
    Story("chat", ("telegram_edited_is_a_revision",), ((1, "chat 71"),)),
    Story("chat", ("telegram_album_photo_document_voice", "telegram_business_messages_deleted"), ((5, "chat 71"),)),
    Story("chat", ("telegram_business_messages_deleted",), (), ("creation", "creation")),
    Story("chat", ("telegram_public_channel",), ((1, "public"),)),
    Story("chat", ("webex_notice_without_text", "webex_message_fetched"), ((1, "chat P1"),)),
    Story("chat", ("slack_text_only_in_blocks", "slack_deleted_is_the_last_revision"), ((1, "chat U5"),)),
    Story("forum", ("topic_created",), ()),
    Story("forum", ("polled_topic", "post_created_with_quote_and_picture"), ((2, "public"),)),
    Story(
        "forum",
        ("polled_topic", "post_created_with_quote_and_picture", "post_of_staff_is_an_agents", "polled_posts"),
        ((2, "public"),),
    ),
    Story(
        "forum",
        ("post_created_with_quote_and_picture", "post_edited_is_a_revision", "post_destroyed_is_a_revision"),
        ((1, "public"),),
    ),
    Story("forum", ("post_destroyed_is_a_revision",), (), ("creation",)),
    Story("forum", ("post_of_staff_is_an_agents",), ()),
    Story("forum", ("personal_message_is_private",), ((1, "forum 31"),)),
    Story("x", ("account_activity_mention", "stream_deletion_is_the_last_revision"), ((1, "public"),)),
    Story("x", ("stream_deletion_is_the_last_revision",), (), ("creation",)),
    Story("x", ("activity_reply_and_its_conversation", "v2_mentions_page_edited_note_and_media"), ((2, "public"),)),
    Story("x", ("account_activity_direct_message_with_link_and_typing", "v2_direct_message_events"), ((2, "x 501"),)),
    Story("facebook", ("comment_added", "comment_edited_is_a_revision"), ((1, "public"),)),
    Story(
        "facebook",
        ("comment_added", "comment_edited_is_a_revision", "comment_removed_is_a_revision"),
        ((1, "public"),),
    ),
    Story("facebook", ("comment_removed_is_a_revision",), (), ("creation",)),
    Story("facebook", ("comment_added", "comment_without_its_author"), ((2, "public"),)),
    Story(
        "facebook", ("messenger_text_file_place_and_answer_to", "messenger_edit_and_receipts"), ((1, "facebook 61"),)
    ),
    Story("facebook", ("messenger_edit_and_receipts",), (), ("creation",)),
]


def told(channel: Channel, name: str, at: int) -> list[NormalizedMessage]:
    """The messages of a payload, as the connector publishes them."""
    [path] = (GOLDEN / channel).glob(f"{name}.in.*")
    raw = record_of(channel, path)
    position = RawPosition(topic=f"raw.{channel}", partition=0, offset=at)
    return [
        each.message.model_copy(update={"raw": position})
        for each in NORMALIZERS[channel](raw, Path(path).read_bytes())
        if isinstance(each, Understood)
    ]


async def look(desk: Desk) -> tuple[tuple[tuple[int, str], ...], tuple[str, ...]]:
    """Tickets with what counts in them and how they were confirmed, and why other messages are in none."""
    tickets = await desk.rows(
        "SELECT t.messages, coalesce("
        "(SELECT r.channel || ' ' || r.recipient FROM desk.replies r WHERE r.ticket_id = t.id), "
        "(SELECT e.document::json #>> '{data,reason}' FROM desk.ticket_events e WHERE e.ticket_id = t.id "
        "AND e.type = 'ticket.confirmation_suppressed')) FROM desk.tickets t WHERE t.root_id = t.id ORDER BY t.number"
    )
    aside = await desk.rows("SELECT aside FROM desk.messages WHERE aside IS NOT NULL ORDER BY id")
    return tuple((count, how) for count, how in tickets), tuple(why for (why,) in aside)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.channel}-{'+'.join(story.payloads)}")
async def test_a_story_backwards_and_twice(desk: Desk, story: Story) -> None:
    desk.filing = replace(desk.filing, confirming=CONFIRMING)
    chapters = [told(story.channel, name, at) for at, name in enumerate(story.payloads)]
    for order in (chapters, chapters[::-1])[: len(chapters)]:
        await desk.empty()
        for chapter in (*order, *order):
            if chapter:
                await desk.file(*chapter)
        assert await look(desk) == (story.tickets, story.aside)
        raw = await desk.rows(
            "SELECT DISTINCT raw_offset FROM (SELECT raw_offset FROM desk.settled UNION ALL "
            "SELECT raw_offset FROM desk.messages) AS found ORDER BY raw_offset"
        )
        assert [at for (at,) in raw] == [at for at, chapter in enumerate(chapters) if chapter]


def test_every_channel_has_a_story() -> None:
    assert {story.channel for story in STORIES} == set(CHANNELS) - {"email"}


async def test_a_form_is_continued_by_mail(desk: Desk) -> None:
    desk.filing = replace(desk.filing, confirming=CONFIRMING)
    await desk.file(*told("website", "ticket_json_with_file_and_fields", 0))
    [(ours,)] = await desk.rows("SELECT message_id FROM desk.replies")
    await desk.file(said("answer", "jun@mori.example", ours, raw=1))
    assert await look(desk) == (((2, "email jun@mori.example"),), ())


async def test_a_chat_that_somebody_else_continues_by_mail_is_for_an_agent_to_join(desk: Desk) -> None:
    """The token was signed for the visitor, and who writes the mail is not known to be the visitor."""
    desk.filing = replace(desk.filing, confirming=CONFIRMING)
    await desk.file(*told("chat", "own_frame_message_with_upload", 0))
    [(ticket,)] = await desk.rows("SELECT id FROM desk.tickets")
    await desk.file(said("mail", "eve@x.example", token=TOKENS.sign(ticket, "s-77"), raw=1))
    rows = await desk.rows("SELECT number, possible_reply_to FROM desk.tickets ORDER BY number")
    assert rows == [(1, None), (2, 1)]
