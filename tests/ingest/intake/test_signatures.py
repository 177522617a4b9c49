"""Standard Webhooks, against everything that is not a request of whoever has the key."""

import json
from base64 import b64encode
from collections.abc import Sequence
from datetime import UTC, datetime

import pytest
from pydantic import SecretStr
from starlette.datastructures import Headers

from ingest import signatures, standard_webhooks
from ingest.intake.route import Refusal

KEY, OTHER = b"k" * 32, b"o" * 32  # fixed: every worker must find the same tests
BODY = b'{"type": "ticket", "text": "h\\u00e9"}'
NOW = datetime(2026, 1, 31, 8, tzinfo=UTC)
AT = str(int(NOW.timestamp()))


def _signed(key: bytes = KEY, body: bytes = BODY, at: str = AT, message: str = "msg_1") -> list[tuple[str, str]]:
    return [
        ("webhook-id", message),
        ("webhook-timestamp", at),
        ("webhook-signature", standard_webhooks.signature(key, message, at, body)),
    ]


def _check(headers: Sequence[tuple[str, str]], body: bytes = BODY, keys: Sequence[bytes] = (KEY,)) -> str:
    raw = [(name.encode(), value.encode("latin-1")) for name, value in headers]
    return standard_webhooks.checked(Headers(raw=raw), body, keys, NOW)


def test_what_is_signed_with_the_key_is_believed() -> None:
    assert _check(_signed()) == "msg_1"


def test_the_example_of_the_specification() -> None:
    key = standard_webhooks.key_of(SecretStr("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"))
    body = b'{"test": 2432232314}'
    found = standard_webhooks.signature(key, "msg_p5jXN8AQM9LWM0D4loKWxJek", "1614265330", body)
    assert found == "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="


def test_keys_may_be_rotated_on_either_side() -> None:
    assert _check(_signed(OTHER), keys=[KEY, OTHER])
    both = _signed()
    both[2] = ("webhook-signature", f"v1,AAAA v1a,x {both[2][1]}")
    assert _check(both)


def test_a_replay_has_the_id_it_had() -> None:
    assert _check(_signed()) == _check(_signed())


@pytest.mark.parametrize("missing", range(3))
def test_a_header_that_is_missing_or_sent_twice(missing: int) -> None:
    signed = _signed()
    for headers in (signed[:missing] + signed[missing + 1 :], [*signed, signed[missing]]):
        with pytest.raises(Refusal) as refused:
            _check(headers)
        assert (refused.value.status, refused.value.kind) == (401, "signature")


@pytest.mark.parametrize(
    ("headers", "body"),
    [
        (_signed(OTHER), BODY),
        (_signed(), BODY[:-1] + b" "),
        (_signed(), json.dumps(json.loads(BODY), ensure_ascii=False).encode()),
        (_signed(), BODY + b"\n"),
        (_signed(), b""),
        (_signed(at=str(int(AT) - 301)), BODY),
        (_signed(at=str(int(AT) + 301)), BODY),
        (_signed(at="-1"), BODY),
        (_signed(at="1e9"), BODY),
        ([("webhook-id", "msg_2"), *_signed()[1:]], BODY),
        ([_signed()[0], ("webhook-timestamp", str(int(AT) + 1)), _signed()[2]], BODY),
        ([*_signed()[:2], ("webhook-signature", _signed()[2][1][3:])], BODY),
        ([*_signed()[:2], ("webhook-signature", "v1,")], BODY),
        ([*_signed()[:2], ("webhook-signature", "v1,\xff")], BODY),
        ([*_signed()[:2], ("webhook-signature", " ".join(["v1,x"] * 10 + [_signed()[2][1]]))], BODY),
    ],
    ids=str,
)
def test_everything_else_is_not(headers: list[tuple[str, str]], body: bytes) -> None:
    with pytest.raises(Refusal) as refused:
        _check(headers, body)
    assert refused.value.status == 401
    assert b64encode(KEY).decode() not in refused.value.text


@pytest.mark.parametrize("secret", ["", "secret", "whsec_", "whsec_AAAA", "whsec_*", b64encode(KEY).decode()])
def test_a_weak_secret_is_none(secret: str) -> None:
    with pytest.raises(ValueError, match="whsec_"):
        standard_webhooks.key_of(SecretStr(secret))


def test_digests_and_their_comparison() -> None:
    secret = SecretStr("key")
    text = b"The quick brown fox jumps over the lazy dog"
    assert signatures.hex_sha256(secret, text) == "f7bc83f430538424b13298e6aa6fb143ef4d59a14946175997479dbc2d1a3cd8"
    assert signatures.base64_sha1(secret, text) == "3nybhbi3iqa8ino29wqQcBydtNk="
    assert signatures.base64_sha256(secret, text) == "97yD9DBThCSxMpjmqm+xQ+9NWaFJRhdZl0edvC0aPNg="
    assert signatures.same("a", "b", "a")
    assert not signatures.same("a")
    assert not signatures.same("", "a")
    assert not signatures.same("\udcff", "a")
