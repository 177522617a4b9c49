"""How a raw record becomes a request again: JSON, forms, envelopes, lines, limits (normalize/payload)."""

import json
import time

import pytest

from bus.errors import Invalid
from bus.message import Channel
from bus.model import BlobRef
from normalize.outcome import Understood
from normalize.payload.multipart import read_multipart
from normalize.payload.request import read_request
from normalize.table import NORMALIZERS
from tests.normalize.payload_cases import record

POST = {":method": "POST", ":path": "/in/x"}


def test_an_envelope_counts_only_in_a_record_without_headers() -> None:
    body = b'{"headers": {":identity": "boss@tea.example", "A": "b"}, "body": {"text": "hi"}}'
    tried = read_request(record("website"), body)
    assert (tried.fields.text("text"), tried.header("a"), tried.header(":identity")) == ("hi", "b", "")
    received = read_request(record("website", headers=POST), body)
    assert "text" not in received.fields


def test_forms_by_post_and_by_get() -> None:
    posted = read_request(record("phone", headers=POST), b"a=1&b=x+y%26&c%5B%5D=1&c%5B%5D=2&e=")
    assert posted.value == {"a": "1", "b": "x y&", "c[]": ["1", "2"], "e": ""}
    asked = read_request(record("phone", headers={":method": "GET", ":path": "/in/p?CallSid=1"}), b"")
    assert asked.value == {"CallSid": "1"}


def test_a_byte_order_mark_and_lines() -> None:
    assert read_request(record("x"), b'\xef\xbb\xbf{"a": 1}').value == {"a": 1}
    assert read_request(record("x"), b'{"a": 1}\r\n\r\n{"a": 2}\r\n').value == [{"a": 1}, {"a": 2}]


@pytest.mark.parametrize(
    ("body", "why"),
    [
        (b"", "an empty body"),
        (b"[" * 200_000, "nested too deep"),
        (b'{"a":' * 100_000, "nested too deep"),
        (b"[" + b"{}," * 400_000 + b"{}]", "too many values"),
        (b"[" + b"1," * 2_000_000 + b"1]", "too many values"),
        (b'{"a":"' + b"x" * (32 * 1024 * 1024), "at most"),
        (b"[" + b'{"id":1,"user":{},"text":"t"},' * 6_000 + b"{}]", "more than 5000 items|without words"),
        (b'{"a": ' + b"9" * 5_000 + b"}", "not JSON"),
        (b"hello", "not JSON"),
        (b"&".join(b"a%d=1" % number for number in range(3_000)), "more than 2000 fields"),
    ],
)
@pytest.mark.parametrize("channel", ["x", "phone", "web_form"])
def test_too_much_or_nothing_is_invalid_at_once(channel: Channel, body: bytes, why: str) -> None:
    began = time.monotonic()
    with pytest.raises(Invalid, match=why):
        NORMALIZERS[channel](record(channel, headers=POST), body)
    assert time.monotonic() - began < 5


def test_a_large_page_takes_its_time_and_no_more() -> None:
    deep = '{"id":"1_9","message":"m","created_time":"2026-03-04T09:00:00+0000","comments":{"data":[' * 150
    body = '{"data":[' + deep + "]}}" * 150 + "]}"
    assert len(NORMALIZERS["facebook"](record("facebook", headers=POST), body.encode())) == 150
    quotes = json.dumps({"post": {"id": 1, "topic_id": 2, "raw": "[quote]" * 100_000 + "x" + "[/quote]" * 100_000}})
    began = time.monotonic()
    NORMALIZERS["forum"](record("forum", headers=POST), quotes.encode())
    slack = json.dumps({"type": "event_callback", "api_app_id": "A", "event": {
        "type": "message", "channel": "C", "ts": "1.2", "user": "U", "text": "<" * 300_000}})  # fmt: skip
    NORMALIZERS["chat"](record("chat", headers=POST), slack.encode())
    post = json.dumps({"id_str": "1", "user": {"id_str": "2"}, "text": "@a " * 200_000, "in_reply_to_user_id": 3})
    NORMALIZERS["x"](record("x", headers=POST), post.encode())
    assert time.monotonic() - began < 5


def test_multipart_names_and_ends() -> None:
    body = (
        b'preamble\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\none\r\n--b\r\n'
        b'Content-Disposition: form-data; name="f"; filename="x%0D%0Ay.pdf"\r\n\r\n\x00\r\n\r\n--b--\r\nepilogue'
    )
    form = read_multipart('multipart/form-data; boundary="b"', body)
    assert form.values == [("a", "one")]
    assert [(file.name, file.media_type, file.data) for file in form.files] == [
        ("x  y.pdf", "application/pdf", b"\x00\r\n")
    ]
    with pytest.raises(Invalid, match="without a boundary"):
        read_multipart("multipart/form-data", body)
    with pytest.raises(Invalid, match="more than 200 parts"):
        read_multipart(
            "multipart/form-data; boundary=b", b'\r\n--b\r\nContent-Disposition: form-data; name="a"\r\n\r\n' * 300
        )


def test_bytes_that_the_receiver_fetched_are_the_attachment() -> None:
    source = "https://api.twilio.example/Media/ME1"
    body = f"MessageSid=MM1&AccountSid=AC1&From=%2B1415550&NumMedia=1&MediaUrl0={source}&MediaContentType0=image%2Fpng"
    digest = "ab" * 32
    fetched = record("chat", headers=POST, files={source: BlobRef(blob=f"sha256/{digest}", size=12)})
    (outcome,) = NORMALIZERS["chat"](fetched, body.encode())
    assert isinstance(outcome, Understood)
    (attachment,) = outcome.message.attachments
    assert (attachment.sha256, attachment.size, attachment.blob) == (digest, 12, f"sha256/{digest}")
    assert outcome.message.warnings == []
