"""Forms and our own chat window: who it is, and what is the same submission."""

import json

import pytest

from bus.errors import Invalid
from bus.message import NormalizedMessage
from normalize.outcome import Ignored, Understood
from normalize.table import NORMALIZERS
from tests.normalize.payload_cases import record

POST = {":method": "POST", ":path": "/in/site/tickets", "content-type": "application/json"}


def submit(fields: dict[str, object], **headers: str) -> NormalizedMessage:
    named = {name.replace("_", "-").replace("own-", ":"): value for name, value in headers.items()}
    (outcome,) = NORMALIZERS["website"](record("website", headers=POST | named), json.dumps(fields).encode())
    assert isinstance(outcome, Understood)
    return outcome.message


def test_a_signed_identity_is_verified_and_counts_for_more_than_what_was_typed() -> None:
    typed = submit({"email": "boss@tea.example", "text": "x"})
    assert (typed.author.address, typed.author.verified) == ("boss@tea.example", False)
    signed = submit({"email": "boss@tea.example", "text": "x"}, own_identity="ada@tea.example")
    assert (signed.author.address, signed.author.verified) == ("ada@tea.example", True)


def test_a_double_click_is_one_submission_and_another_text_is_another() -> None:
    first = submit({"id": "n", "email": "a@tea.example", "text": "x"})
    assert submit({"id": "n", "email": "a@tea.example", "text": "x"}).message_id == first.message_id
    assert submit({"id": "n", "email": "a@tea.example", "text": "y"}).message_id != first.message_id
    assert submit({"id": "n", "email": "b@tea.example", "text": "x"}).message_id != first.message_id
    keyed = submit({"email": "a@tea.example", "text": "x"}, idempotency_key="k")
    assert keyed.source_id.startswith("k/")


def test_fields_of_the_form_itself_stay_out() -> None:
    message = submit({"text": "x", "_nonce": "1", "shop": "north", "fields": {"serial": "5", "_trap": "z"}})
    assert message.fields == {"shop": "north", "serial": "5"}


def test_feedback_is_marked() -> None:
    assert submit({"text": "x", "feedback": True}).feedback_only
    assert not submit({"text": "x"}).feedback_only


def frame(fields: dict[str, object], **headers: str) -> NormalizedMessage | Ignored:
    named = {f":{name}": value for name, value in headers.items()}
    sent = record("chat", headers={":method": "POST"} | named)
    (outcome,) = NORMALIZERS["chat"](sent, json.dumps(fields).encode())
    return outcome.message if isinstance(outcome, Understood) else outcome


def test_the_session_is_the_receivers_word_and_not_the_visitors() -> None:
    message = frame({"type": "message", "id": "1", "text": "x", "session": "of another"}, session="mine")
    assert isinstance(message, NormalizedMessage)
    assert (message.author.address, message.source_id) == ("mine", "mine:1")
    with pytest.raises(Invalid, match="without its session"):
        frame({"type": "message", "id": "1", "text": "x", "session": "of another"})


def test_a_visitor_who_is_logged_in_writes_as_the_person_of_that_address() -> None:
    message = frame({"type": "message", "id": "1", "text": "x"}, session="s", identity="ada@tea.example")
    assert isinstance(message, NormalizedMessage)
    assert (message.author.kind, message.author.address, message.author.verified) == ("email", "ada@tea.example", True)
    assert [ref.value for ref in message.refs if ref.kind == "provider_thread"] == ["s"]


def test_other_frames_are_no_messages() -> None:
    assert isinstance(frame({"type": "end", "session": "s"}, session="s"), Ignored)
