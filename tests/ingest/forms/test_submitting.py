"""What forms, scripts and servers post, and what becomes of it."""

import asyncio
import json
import re
import time
from base64 import b64encode
from pathlib import Path
from typing import Any

import jwt
import pytest
from pydantic import ValidationError

from bus.message import Chosen
from bus.reference import reference_of
from ingest.connectors.website import WebsiteSettings
from ingest.forms.stamps import Stamps
from ingest.own_key import own_key
from tests.ingest.forms.visiting import TICKETS, Gate, the_only_one, understood, web_form, website
from tests.ingest.intake.rig import NAME, Answer, IntakeRig

TICKET = {"name": "Ana", "email": "Ana@Customer.example", "subject": "Lamp", "text": "It is broken."}
SUBMISSIONS = f"/in/{NAME}/submissions"
SECRET = "s" * 64


async def _post(rig: IntakeRig, ticket: object = TICKET, path: str = TICKETS, **headers: str) -> Answer:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return await rig.ask(path, json.dumps(ticket).encode(), {"content-type": "application/json"} | named)


async def _stamp(rig: IntakeRig) -> str:
    given_out = (await rig.ask(f"/in/{NAME}/form.json", method="GET")).json()
    return str(re.findall(r'name="_stamp" value="([^"]+)"', given_out["html"])[0])


async def test_a_ticket_by_json(tmp_path: Path) -> None:
    file = {"name": "a.txt", "media_type": "text/plain", "data": b64encode(b"bytes").decode()}
    async with website(tmp_path).running() as rig:
        answer = await _post(rig, TICKET | {"attachments": [file], "fields": {"order": "7"}})
        assert answer.status == 201
        message = (await the_only_one(rig)).message
        assert answer.json() == {"reference": reference_of(message.message_id), "message_id": message.message_id}
        assert (message.author.address, message.author.verified) == ("Ana@customer.example", False)
        assert (message.subject, message.text, message.fields) == ("Lamp", "It is broken.", {"order": "7"})
        assert (message.attachments[0].name, message.attachments[0].size) == ("a.txt", 5)


async def test_what_the_form_lets_people_choose_is_told_apart_from_what_they_claim(tmp_path: Path) -> None:
    claimed = TICKET | {"priority": "urgent", "category": "vip"}
    async with website(tmp_path / "plain").running() as rig:
        assert (await _post(rig, claimed)).status == 201
        message = (await the_only_one(rig)).message
        assert message.chosen is None
        assert message.fields == {"priority": "urgent", "category": "vip"}
    asks = {"fields": ["email", "text", "priority", "category"], "categories": ["billing", "repairs"]}
    async with website(tmp_path / "asking", **asks).running() as rig:
        assert (await _post(rig, claimed)).json()["codes"] == {"category": "choice"}
        assert (await _post(rig, TICKET | {"priority": "vital"})).json()["codes"] == {"priority": "choice"}
        assert (await _post(rig, TICKET | {"priority": "high", "category": "repairs"})).status == 201
        assert (await the_only_one(rig)).message.chosen == Chosen(priority="high", category="repairs")


def test_a_category_that_the_desk_cannot_hold_is_no_setting() -> None:
    with pytest.raises(ValidationError, match="64 characters"):
        WebsiteSettings(type="website", fields=["text", "category"], required=["text"], categories=["x" * 65])


async def test_an_answer_comes_only_after_kafka_has_it(tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig:
        gate = Gate(rig)
        asked = asyncio.create_task(_post(rig))
        await gate.entered.wait()
        assert not (await asyncio.wait({asked}, timeout=0.3))[0]
        gate.open.set()
        assert (await asked).status == 201


async def test_the_same_key_and_words_are_one_message_and_other_words_another(tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig:
        first = await _post(rig, idempotency_key="k-1")
        again = await _post(rig, idempotency_key="k-1")
        assert first.json() == again.json()
        assert len(await understood(rig)) == 1
        other = await _post(rig, TICKET | {"text": "Another thing."}, idempotency_key="k-1")
        assert other.json()["reference"] != first.json()["reference"]
        assert len(await understood(rig)) == 2


@pytest.mark.parametrize("key", ["", "x" * 201, "a b", "\x7f"])
async def test_a_key_that_is_none_is_refused(tmp_path: Path, key: str) -> None:
    async with website(tmp_path).running() as rig:
        assert (await _post(rig, idempotency_key=key)).status == 400
        assert not rig.raw


@pytest.mark.parametrize(
    ("change", "codes"),
    [
        ({"email": ""}, {"email": "required"}),
        ({"email": "ana"}, {"email": "email"}),
        ({"email": "ana@customer"}, {"email": "email"}),
        ({"email": "a@b.example, c@d.example"}, {"email": "email"}),
        ({"email": ["x@y.example\r\nBcc: z@y.example"]}, {"email": "email"}),
        ({"text": " \n "}, {"text": "required"}),
        ({"text": None, "email": 7}, {"text": "required", "email": "email"}),
        ({"text": "x" * 100_001}, {"text": "too_long"}),
        ({"subject": "x" * 301}, {"subject": "too_long"}),
        ({"priority": "now"}, {"priority": "choice"}),
        ({"attachments": [{"name": "a", "data": "YQ=="}] * 6}, {"attachments": "too_many_files"}),
        ({"attachments": [{"name": "a", "data": b64encode(b"x" * 3_000).decode()}]}, {"attachments": "file_too_large"}),
    ],
)
async def test_what_is_wrong_is_said_by_field_and_nothing_is_taken(
    tmp_path: Path, change: dict[str, Any], codes: dict[str, str]
) -> None:
    fields = ["name", "email", "subject", "text", "attachments", "priority"]
    async with website(tmp_path, fields=fields, max_file_bytes=2_048).running() as rig:
        answer = await _post(rig, TICKET | change, accept_language="nl")
        assert answer.status == 422
        assert answer.json()["codes"] == codes
        assert set(answer.json()["errors"]) == set(codes)
        assert not rig.raw


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b'{"text": {"a": 1}}',
        b"[" * 100_000,
        b'{"text": [' + b"1," * 150_001 + b"1]}",
    ],
    ids=["empty", "cut", "list", "null", "no text", "object", "deep", "many"],
)
async def test_what_cannot_be_read_is_refused(tmp_path: Path, body: bytes) -> None:
    async with website(tmp_path).running() as rig:
        answer = await rig.ask(TICKETS, body, {"content-type": "application/json"})
        assert answer.status == 422
        assert not rig.raw


async def test_a_body_over_the_limit_is_413(tmp_path: Path) -> None:
    async with website(tmp_path, max_total_bytes=1_024).running() as rig, rig.client() as client:
        await client.head("POST", TICKETS, {"content-length": str(30 * 1024 * 1024)})
        assert (await client.answer()).status == 413


async def test_only_allowed_sites_may_post_by_script(tmp_path: Path) -> None:
    async with website(tmp_path, allowed_origins=["https://www.example.com"]).running() as rig:
        assert (await _post(rig, origin="https://www.example.com")).status == 201
        assert (await _post(rig, TICKET | {"text": "2"}, origin="https://evil.example")).status == 403
        assert len(rig.raw) == 1


def _token(secret: str = SECRET, algorithm: str | None = "HS256", **claims: object) -> str:
    return jwt.encode({"email": "ana@customer.example", "exp": time.time() + 600} | claims, secret, algorithm=algorithm)


async def test_a_signed_identity_is_verified_and_wins_over_what_was_typed(tmp_path: Path) -> None:
    async with website(tmp_path, identity_secret=SECRET).running() as rig:
        answer = await _post(rig, TICKET | {"email": "somebody@else.example"}, x_deskstream_identity=_token())
        assert answer.status == 201
        author = (await the_only_one(rig)).message.author
        assert (author.address, author.verified) == ("ana@customer.example", True)


async def test_a_secret_may_be_rotated(tmp_path: Path) -> None:
    rig = website(tmp_path, identity_secret="n" * 40, identity_secret_previous=SECRET)
    async with rig.running():
        assert (await _post(rig, x_deskstream_identity=_token())).status == 201
        assert (await _post(rig, x_deskstream_identity=_token("n" * 40))).status == 201


def _altered(token: str) -> str:
    head, _, mac = token.split(".")
    body = b64encode(b'{"email":"boss@customer.example","exp":9999999999}').decode().rstrip("=")
    return f"{head}.{body}.{mac}"


@pytest.mark.parametrize(
    "token",
    [
        _token("x" * 40),
        _token(exp=time.time() - 3_600),
        _token(exp=None),
        _token(email="nobody"),
        _token(email=7),
        _token(email=None),
        _token(aud="another-form"),
        _token("", None),
        _token(algorithm="HS512"),
        _altered(_token()),
        _token()[:-2],
        _token() + "x",
        "",
        "x.y.z",
    ],
    ids=["other key", "old", "endless", "no address", "number", "null", "other form", "unsigned", "other algorithm",
         "altered", "cut", "longer", "empty", "nonsense"],
)  # fmt: skip
async def test_an_identity_that_is_none_is_refused(tmp_path: Path, token: str) -> None:
    async with website(tmp_path, identity_secret=SECRET).running() as rig:
        answer = await _post(rig, x_deskstream_identity=token)
        assert (answer.status, answer.json()["kind"]) == (401, "identity")
        assert not rig.raw


async def test_an_identity_sent_twice_or_to_a_form_that_knows_none_is_refused(tmp_path: Path) -> None:
    body = json.dumps(TICKET).encode()
    async with website(tmp_path, identity_secret=SECRET).running() as rig:
        assert (await rig.ask(TICKETS, body, [("x-deskstream-identity", _token())] * 2)).status == 401
    async with website(tmp_path).running() as rig:
        assert (await rig.ask(TICKETS, body, {"x-deskstream-identity": _token()})).status == 401


async def test_a_visitor_cannot_name_an_identity_in_the_form(tmp_path: Path) -> None:
    async with website(tmp_path).running() as rig:
        answer = await _post(
            rig, TICKET | {":identity": "boss@customer.example", "headers": {":identity": "x@y.example"}}
        )
        assert answer.status == 201
        author = (await the_only_one(rig)).message.author
        assert (author.address, author.verified) == ("Ana@customer.example", False)


async def test_neither_tokens_nor_cookies_stand_in_the_raw_record(tmp_path: Path) -> None:
    async with website(tmp_path, identity_secret=SECRET).running() as rig:
        await _post(rig, x_deskstream_identity=_token(), cookie="session=secret")
        record = rig.bus.records("raw.website")[0]
        assert _token().split(".")[0].encode() not in (record.value or b"")
        assert b"session=secret" not in (record.value or b"")


async def test_a_script_has_to_ask_for_the_form_and_wait(tmp_path: Path) -> None:
    async with web_form(tmp_path, minimum_seconds=60).running() as rig:
        answer = await _post(rig, path=SUBMISSIONS)
        assert answer.json()["codes"] == {"_stamp": "stamp"}
        stamp = await _stamp(rig)
        answer = await _post(rig, TICKET | {"_stamp": stamp}, path=SUBMISSIONS)
        assert answer.json()["codes"] == {"_stamp": "too_fast"}
        answer = await _post(rig, TICKET | {"_stamp": stamp[:-1] + "x"}, path=SUBMISSIONS)
        assert answer.json()["codes"] == {"_stamp": "stamp"}
        earlier = Stamps(own_key(None, tmp_path / "form-keys", NAME)).issue(time.time() - 61)
        answer = await _post(rig, TICKET | {"_stamp": earlier, "_website": "https://spam.example"}, path=SUBMISSIONS)
        assert answer.json()["codes"] == {"_website": "trap"}
        assert not rig.raw
        assert (await _post(rig, TICKET | {"_stamp": earlier}, path=SUBMISSIONS)).status == 201


async def test_a_form_of_feedback_only_takes_nothing_else(tmp_path: Path) -> None:
    async with web_form(tmp_path, feedback="only", minimum_seconds=0).running() as rig:
        await _post(rig, TICKET | {"_stamp": await _stamp(rig), "feedback": "false"}, path=SUBMISSIONS)
        assert (await the_only_one(rig)).message.feedback_only


def test_stamps_are_signed_and_last_a_day(tmp_path: Path) -> None:
    stamps = Stamps(b"key")
    stamp = stamps.issue(1_000.0)
    assert stamps.age(stamp, 1_004.5) == 4.5
    assert stamps.age(stamp, 1_000.0 + 25 * 3_600) is None
    assert Stamps(b"other").age(stamp, 1_004.5) is None
    for wrong in ("", ".", "x.y", stamp.replace("1000000", "9000000"), "é" + stamp, stamp + "\udcff"):
        assert stamps.age(wrong, 1_004.5) is None
    assert own_key(None, tmp_path, "form") == own_key(None, tmp_path, "form")
    assert own_key(None, tmp_path, "form") != own_key(None, tmp_path, "other")
