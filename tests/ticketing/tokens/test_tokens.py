"""Only whom a token was signed for may use it, however mail systems spell it, and nobody can make one."""

import base64
import hashlib
import re
import stat
import string
import uuid
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import ConfigError
from ticketing.tokens import MOST_REVOCATIONS, Reading, ReplyTokens, for_body, in_body, load_tokens, parse_keys

TICKET = uuid.UUID(int=0x1234_5678_9ABC_DEF0_1234_5678_9ABC_DEF0).hex
TOKENS = ReplyTokens({1: b"1" * 32, 7: b"7" * 32}, 7)
ANN = "ann@customer.example"

tickets = st.uuids().map(lambda value: value.hex)
addresses = st.text(min_size=1, max_size=60)
ALPHABET = string.ascii_lowercase + "234567"


@given(tickets, addresses)
def test_a_token_opens_its_ticket_to_its_recipient(ticket: str, recipient: str) -> None:
    token = TOKENS.sign(ticket, recipient)
    assert re.fullmatch("[a-z2-7]+", token)
    assert len(f"support+{token}") <= 64
    assert TOKENS.verify(token, recipient) == ticket
    assert TOKENS.verify(token.upper(), recipient) == ticket


@given(tickets, addresses, addresses)
def test_nobody_else_can_use_it(ticket: str, recipient: str, other: str) -> None:
    if other.strip().lower() != recipient.strip().lower():
        assert TOKENS.verify(TOKENS.sign(ticket, recipient), other) is None


@given(tickets, st.integers(0, 52), st.sampled_from(ALPHABET))
def test_no_letter_of_it_can_be_changed(ticket: str, at: int, letter: str) -> None:
    token = TOKENS.sign(ticket, ANN)
    changed = token[:at] + letter + token[at + 1 :]
    if changed != token:
        assert TOKENS.verify(changed, ANN) is None


@given(tickets, addresses, st.integers(0, 33 * 8 - 1), st.integers(0, 3))
def test_no_bit_of_it_can_be_flipped(ticket: str, recipient: str, bit: int, generation: int) -> None:
    data = bytearray(base64.b32decode(TOKENS.sign(ticket, recipient, generation).upper() + "==="))
    data[bit // 8] ^= 1 << bit % 8
    flipped = base64.b32encode(data).decode().rstrip("=").lower()
    reading = TOKENS.read(flipped, recipient)
    assert reading is not None
    assert not reading.genuine


@given(tickets, st.integers(0, 40 * 8 - 1))
def test_no_bit_of_a_message_id_can_be_flipped(ticket: str, bit: int) -> None:
    data = bytearray(base64.b32decode(TOKENS.message_id(ticket, "reply", "x").upper()))
    data[bit // 8] ^= 1 << bit % 8
    assert TOKENS.ticket_of_message_id(base64.b32encode(data).decode().lower()) is None


def test_each_generation_has_tokens_of_its_own() -> None:
    for generation in range(MOST_REVOCATIONS + 1):
        token = TOKENS.sign(TICKET, ANN, generation)
        assert len(token) == 53
        assert TOKENS.read(token, ANN) == Reading(TICKET, True, generation, False)
        assert (TOKENS.verify(token, ANN) is not None) == (generation == 0)
    with pytest.raises(ValueError, match="generations"):
        TOKENS.sign(TICKET, ANN, MOST_REVOCATIONS + 1)


def test_a_token_is_found_in_a_text() -> None:
    token = TOKENS.sign(TICKET, ANN)
    assert in_body(f"> quoted {for_body(token)}, and [ref:short] {for_body(token)}", 1) == [token]
    assert in_body("no [ref:] here", 5) == []


@given(st.text(max_size=80))
def test_whatever_else_stands_there_is_no_token(text: str) -> None:
    assert TOKENS.verify(text, ANN) is None
    assert TOKENS.ticket_of_message_id(text) is None


def test_addresses_differ_by_more_than_case() -> None:
    assert TOKENS.verify(TOKENS.sign(TICKET, "Ann@Customer.example"), ANN) == TICKET


def test_an_older_key_still_verifies_and_an_unknown_one_does_not() -> None:
    older = ReplyTokens({1: b"1" * 32}, 1)
    assert TOKENS.verify(older.sign(TICKET, ANN), ANN) == TICKET
    assert older.verify(TOKENS.sign(TICKET, ANN), ANN) is None
    assert older.ticket_of_message_id(TOKENS.message_id(TICKET, "confirmation", "")) is None


def test_the_same_ticket_and_key_id_under_another_secret_is_worthless() -> None:
    forger = ReplyTokens({7: b"8" * 32}, 7)
    assert TOKENS.verify(forger.sign(TICKET, ANN), ANN) is None
    assert TOKENS.ticket_of_message_id(forger.message_id(TICKET, "confirmation", "")) is None


@given(tickets, st.sampled_from(["confirmation", "reply"]), st.text(max_size=20))
def test_a_message_id_names_its_ticket_always_the_same_way(ticket: str, purpose: str, cause: str) -> None:
    local = TOKENS.message_id(ticket, purpose, cause)
    assert local == TOKENS.message_id(ticket, purpose, cause)
    assert re.fullmatch("[a-z2-7]{1,64}", local)
    for spelled in (local, local.upper(), f"<{local}@desk.example>", f"{local}@desk.example"):
        assert TOKENS.ticket_of_message_id(spelled) == ticket


def test_message_ids_of_different_causes_differ() -> None:
    assert (
        len({TOKENS.message_id(TICKET, "reply", cause) for cause in "abc"} | {TOKENS.message_id(TICKET, "c", "a")}) == 4
    )


def test_a_message_id_is_no_token() -> None:
    local = TOKENS.message_id(TICKET, "confirmation", "")
    assert TOKENS.verify(local, ANN) is None
    assert TOKENS.ticket_of_message_id(TOKENS.sign(TICKET, ANN)) is None


def test_a_mac_of_one_use_is_none_of_the_other() -> None:
    digests = ((cause, hashlib.sha256(f"reply\0{cause}".encode()).digest()[:7]) for cause in map(str, range(100_000)))
    readable = ((cause, digest.decode()) for cause, digest in digests if digest.isascii())
    cause, recipient = next((cause, text) for cause, text in readable if text == text.strip().lower())
    # our Message-ID authenticates exactly the bytes that would stand for this recipient in a token
    local = base64.b32decode(TOKENS.message_id(TICKET, "reply", cause).upper())
    forged = base64.b32encode(local[:17] + local[-16:]).decode().rstrip("=").lower()
    assert TOKENS.verify(forged, recipient) is None


def test_keys_are_made_once_for_their_owner_only(tmp_path: Path) -> None:
    first = load_tokens(tmp_path / "new", {})
    path = tmp_path / "new" / "reply-token.keys"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    token = first.sign(TICKET, ANN)
    assert load_tokens(tmp_path / "new", {}).verify(token, ANN) == TICKET
    assert [each.name for each in path.parent.iterdir()] == [path.name]
    assert load_tokens(tmp_path / "other", {}).verify(token, ANN) is None
    named = {"DESKSTREAM_REPLY_TOKEN_KEYS_FILE": str(path)}
    assert load_tokens(tmp_path / "other", named).verify(token, ANN) == TICKET


def test_a_named_file_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="DESKSTREAM_REPLY_TOKEN_KEYS_FILE"):
        load_tokens(tmp_path, {"DESKSTREAM_REPLY_TOKEN_KEYS_FILE": str(tmp_path / "missing")})


@pytest.mark.parametrize(
    "text",
    ["", "1 00", "x " + "00" * 32, "256 " + "00" * 32, "1 " + "0g" * 32, f"1 {'00' * 32}\n1 {'11' * 32}", "7b" * 20],
)
def test_keys_that_cannot_be_used_are_named_but_not_shown(text: str) -> None:
    with pytest.raises(ConfigError, match="keys-file") as caught:
        parse_keys(text, "keys-file")
    assert not any(len(word) >= 32 for word in str(caught.value).split())


def test_the_first_key_signs() -> None:
    keys = parse_keys(f"# new\n7 {'37' * 32}\n\n1 {'31' * 32}\n", "x")
    assert keys.sign(TICKET, ANN) == TOKENS.sign(TICKET, ANN)
    assert "37" * 4 not in repr(keys)
