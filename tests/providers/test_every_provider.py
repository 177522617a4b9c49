"""What every connector of a provider keeps to beyond the contract of all connectors (tests/contracts)."""

import asyncio
import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bus.raw import Inline
from ingest.contract import Refused
from ingest.table import CONNECTORS
from tests.providers.cases import CASES, Case
from tests.providers.serving import Fault

# what a chat's receiver hears is the desk
_POLLED = [name for name in CASES if CONNECTORS[name].receiver and name != "chat"]


@pytest.fixture(params=list(CASES))
def case(request: pytest.FixtureRequest) -> Iterator[Case]:
    with CASES[request.param]() as found:
        yield found


@pytest.fixture(params=_POLLED)
def polling(request: pytest.FixtureRequest) -> Iterator[Case]:
    with CASES[request.param]() as found:
        yield found


@pytest.fixture(params=[name for name in CASES if CONNECTORS[name].sender])
def sending(request: pytest.FixtureRequest) -> Iterator[Case]:
    with CASES[request.param]() as found:
        yield found


async def test_a_webhook_becomes_one_record_and_one_message(case: Case, tmp_path: Path) -> None:
    rig = case.rig(tmp_path)
    (headers, body), source_id = case.write("hello")
    assert await rig.status(headers, body) == 200
    (raw,) = rig.raw
    assert raw.payload == Inline(base64=body)
    assert (raw.channel, raw.account, raw.headers[":method"]) == (case.row.channel, rig.name, "POST")
    (message,) = rig.messages()
    assert (message.source_id, message.account) == (source_id, rig.name)
    assert any(ref.kind == "provider_thread" for ref in message.refs)


async def test_what_belongs_together_has_one_key(case: Case, tmp_path: Path) -> None:
    rig = case.rig(tmp_path)
    delivery, _ = case.write("hello")
    await rig.call(*delivery)
    (record,) = rig.bus.records(f"raw.{case.row.channel}")
    assert record.key
    (message,) = rig.messages()
    assert record.key in {ref.value for ref in message.refs} | {message.source_id}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8),
    lambda v: st.lists(v) | st.dictionaries(st.text(), v),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_no_signed_body_is_answered_with_an_error(
    case: Case, tmp_path_factory: pytest.TempPathFactory, data: st.DataObject
) -> None:
    """Values of a good body are put in each other's place, or made nonsense."""
    (headers, body), _ = case.write("hello")
    rig = case.rig(tmp_path_factory.mktemp("any"))
    if body[:1] == b"{":
        value = json.loads(body)
        for _ in range(data.draw(st.integers(1, 4))):
            _spoil(value, data)
        headers, body = case.sign(json.dumps(value).encode())
    else:
        headers, body = case.sign(data.draw(st.binary(max_size=60) | st.just(body.replace(b"=", b"=%00&"))))
    assert asyncio.run(rig.status(headers, body)) == 200
    rig.outcomes()


def _spoil(value: Any, data: st.DataObject) -> None:  # noqa: ANN401  # JSON
    while isinstance(value, dict | list) and value:
        keys = list(value) if isinstance(value, dict) else list(range(len(value)))
        key = data.draw(st.sampled_from(keys))
        if not isinstance(value[key], dict | list) or not value[key] or data.draw(st.integers(0, 3)) == 0:
            value[key] = data.draw(_VALUES)
            return
        value = value[key]


async def test_no_secret_stands_on_a_topic_or_in_a_setting_that_is_printed(case: Case, tmp_path: Path) -> None:
    rig = case.rig(tmp_path)
    delivery, _ = case.write("hello")
    await rig.call(*delivery)
    if case.row.name in _POLLED:
        await rig.begun()
        _, source_id = case.write("found by the poll")
        await rig.poll(lambda: source_id in [message.source_id for message in rig.messages()])
    said = b"".join(record.value or b"" for record in rig.bus.records(f"raw.{case.row.channel}"))
    said += repr((rig.settings, rig.cursors.stored)).encode()
    assert not [secret for secret in case.secrets if secret.encode() in said]


async def test_the_poll_begins_now_and_finds_what_no_webhook_told(polling: Case, tmp_path: Path) -> None:
    polling.write_long_ago()
    rig = polling.rig(tmp_path)
    await rig.begun()
    assert not rig.raw
    _, source_id = polling.write("new")
    await rig.poll(lambda: source_id in [message.source_id for message in rig.messages()])
    assert len(rig.messages()) == 1


async def test_webhook_and_poll_give_the_same_message(polling: Case, tmp_path: Path) -> None:
    rig = polling.rig(tmp_path)
    await rig.begun()
    delivery, source_id = polling.write("hello")
    await rig.call(*delivery)
    told = rig.messages()
    await rig.poll(lambda: len(rig.raw) >= 2)
    assert [message.source_id for message in rig.messages()] == [source_id]
    (polled,) = rig.messages()
    assert (polled.text, polled.author.address, polled.refs) == (told[0].text, told[0].author.address, told[0].refs)


async def test_a_provider_that_fails_is_asked_again(polling: Case, tmp_path: Path) -> None:
    rig = polling.rig(tmp_path)
    await rig.begun()
    polling.server.faulty.faults.append(Fault("GET /", 502, b"Bad Gateway"))  # type: ignore[attr-defined]  # each has one
    await rig.poll(lambda: bool(rig.place.source.problems))
    assert rig.health.problems
    _, source_id = polling.write("hello")
    await rig.poll(lambda: [message.source_id for message in rig.messages()] == [source_id])
    assert not rig.place.source.problems
    assert not rig.health.problems


async def test_rewound_it_asks_again_and_knows_what_it_finds(polling: Case, tmp_path: Path) -> None:
    polling.write_long_ago()
    rig = polling.rig(tmp_path)
    await rig.begun()
    sources = [polling.write(f"message {number}")[1] for number in range(3)]
    await rig.poll(lambda: len(rig.messages()) == 3)
    records, source, asked = len(rig.raw), rig.place.source, False
    looked = source.last_success_at

    def again() -> bool:
        nonlocal asked
        if not asked and source.last_success_at != looked:  # it is this process that polls
            asked = True
            rig.rewind(datetime.now(UTC) - timedelta(hours=1))
        return len(rig.raw) > records

    await rig.poll(again)
    assert sorted(message.source_id for message in rig.messages()) == sorted(sources)
    _, later = polling.write("and on it goes")
    await rig.poll(lambda: later in [message.source_id for message in rig.messages()])
    assert len(rig.messages()) == 4


async def test_what_is_private_is_not_made_public(sending: Case, tmp_path: Path) -> None:
    rig = sending.rig(tmp_path)
    if sending.row.channel != "chat":  # there nobody else reads
        with pytest.raises(Refused, match="private"):
            await rig.send(rig.reply("Your account number.", visibility="private", **sending.thread()))
    with pytest.raises(Refused):
        await rig.send(rig.reply("To nobody."))
    assert not sending.arrived()
