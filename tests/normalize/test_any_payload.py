"""Whatever a payload is turned into, there is a message that can be published, a reason, or Invalid (hypothesis)."""

import copy
import hashlib
import json
from collections.abc import Sequence
from typing import Any, TypeAlias

from hypothesis import given, settings
from hypothesis import strategies as st

from bus.errors import Invalid
from bus.message import Channel, NormalizedMessage
from normalize.outcome import Ignored, Understood
from normalize.table import NORMALIZERS
from tests.normalize.payload_cases import CASES, record, record_of

Json: TypeAlias = Any
"""What json.loads gives."""

JSON_CASES = [(channel, json.loads(path.read_bytes())) for channel, path in CASES if path.name.endswith(".in.json")]
STRANGE: list[Json] = [
    None, True, False, 0, -1, 3, 2**31, 2**63, 10**400, -(10**30), 1.5, 1e308, float("inf"), float("nan"), "", " ",
    "0", "-5", "1e999", "null", "\0", "\ud800", "a\r\nb\u2028c", "x" * 3000, "9" * 30, "2026-13-40T99:99:99Z",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00+23:59", "https://[::1", "//", "%", "<script>", "[quote]" * 50,
    "[/quote]", "![a](upload://b)", "+" + "1" * 60, "sip:a@b@c", "@" * 40, "__proto__", "t.co", [], {}, [[]], [{}],
    ["a", None, 1], {"id": {}}, {"data": []}, [None] * 3, "postback", "edited", "removed", "message_changed", "post",
]  # fmt: skip


def places(value: Json, at: tuple[str | int, ...] = ()) -> list[tuple[str | int, ...]]:
    found = [at]
    if isinstance(value, dict):
        for name, each in value.items():
            found += places(each, (*at, name))
    elif isinstance(value, list):
        for number, each in enumerate(value):
            found += places(each, (*at, number))
    return found


def changed(value: Json, at: tuple[str | int, ...], new: Json, *, delete: bool) -> Json:
    if not at:
        return new
    value = copy.deepcopy(value)
    holder = value
    for step in at[:-1]:
        holder = holder[step]
    if delete:
        del holder[at[-1]]
    else:
        holder[at[-1]] = new
    return value


def holds(channel: Channel, payload: bytes) -> None:
    first, second = outcomes(channel, payload), outcomes(channel, payload)
    if first is None:
        assert second is None
        return
    assert first
    for outcome, again in zip(first, second or (), strict=True):
        if isinstance(outcome, Ignored):
            assert outcome == again
            holds_for_reason(outcome.reason)
            continue
        assert isinstance(again, Understood)
        message = outcome.message
        value = message.to_json()
        assert value == again.message.to_json()
        assert NormalizedMessage.from_json(value) == message
        assert "\\u0000" not in value.decode("utf-8")
        assert 0 <= message.revision < 2**31
        assert (message.revision > 0) >= (message.change != "created")
        assert message.source_id
        assert message.author.address
        assert isinstance(message.text, str)
        assert isinstance(message.reply_text, str)
        assert bool(message.text.strip()) == bool(message.reply_text.strip())
        for name, data in outcome.blobs.items():
            assert name == f"sha256/{hashlib.sha256(data).hexdigest()}"
        assert outcome.explain()


def holds_for_reason(reason: str) -> None:
    assert reason.strip()
    assert reason.isprintable()


def outcomes(channel: Channel, payload: bytes) -> Sequence[Understood | Ignored] | None:
    try:
        return NORMALIZERS[channel](record(channel, own_addresses=["900", "desk", "+493099887766"]), payload)
    except Invalid as error:
        holds_for_reason(str(error))
        return None


@settings(max_examples=400, deadline=None)
@given(st.sampled_from(JSON_CASES), st.data())
def test_payloads_with_strange_values(case: tuple[Channel, Json], data: st.DataObject) -> None:
    channel, value = case
    for _ in range(data.draw(st.integers(1, 3))):
        at = data.draw(st.sampled_from(places(value)))
        new = data.draw(st.sampled_from(STRANGE) | st.text(max_size=5))
        value = changed(value, at, new, delete=bool(at) and data.draw(st.booleans()))
    holds(channel, json.dumps(value).encode())


@settings(max_examples=150, deadline=None)
@given(st.sampled_from(CASES), st.data())
def test_payloads_with_strange_bytes(case: tuple[Channel, Json], data: st.DataObject) -> None:
    channel, path = case
    body = bytearray(path.read_bytes())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(body)))
        body[at : at + data.draw(st.integers(0, 8))] = data.draw(st.binary(max_size=4))
    try:
        made = NORMALIZERS[channel](record_of(channel, path), bytes(body))
    except Invalid:
        return
    assert made


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(list(NORMALIZERS)), st.binary(max_size=60) | st.text(max_size=60).map(str.encode))
def test_any_bytes(channel: Channel, body: bytes) -> None:
    if channel != "email":
        holds(channel, body)
