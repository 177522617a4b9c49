"""Telegram, SMS, Slack and Webex: who writes, what is kept, what they are answered."""

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bus.errors import Retryable
from ingest.chat.in_parts import InParts
from ingest.chat.parts import parts, units
from ingest.connectors.chat import CHAT
from ingest.contract import Refused, Uncertain
from ingest.intake.route import ClosedRoute
from normalize.outcome import Ignored
from tests.providers.messengers import (
    AUTH,
    BOT,
    CUSTOMER,
    OURS,
    SID,
    SIGNING,
    WEBEX,
    WEBEX_TOKEN,
    WEBHOOK,
    Telegram,
    Twilio,
    messages,
    slack,
    slack_message,
    telegram,
    webex,
    webex_messages,
    webex_notice,
)
from tests.providers.rig import Rig
from tests.providers.serving import Fault

URL = "https://desk.example/in/public/webhook"


def _telegram(bot: Telegram, folder: Path, **more: object) -> Rig:
    settings = {"provider": "telegram", "webhook_secret": WEBHOOK, "token": BOT, "api_url": bot.url}
    return Rig(CHAT, settings | more, folder)


def _sms(account: Twilio, folder: Path, **more: object) -> Rig:
    settings = {"provider": "sms", "token": AUTH, "account_sid": SID, "numbers": [OURS], "api_url": account.url}
    return Rig(CHAT, settings | more, folder)


def _slack(folder: Path) -> Rig:
    return Rig(CHAT, {"provider": "slack", "webhook_secret": SIGNING}, folder)


# -- who writes


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 200),
        ({"x-telegram-bot-api-secret-token": "another"}, 401),
        ({"x-telegram-bot-api-secret-token": ""}, 401),
        ({"x-telegram-bot-api-secret-token": WEBHOOK[:-1]}, 401),
        ({"x-telegram-bot-api-secret-token": WEBHOOK.upper()}, 401),
    ],
)
async def test_telegram_is_known_by_its_secret_token(tmp_path: Path, headers: Mapping[str, str], status: int) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        good, body = bot.write("Hello")
        assert await rig.status(good | headers, body) == status  # type: ignore[operator]
        assert len(rig.raw) == (status == 200)
        twice = [*good.items(), ("x-telegram-bot-api-secret-token", WEBHOOK)]
        assert await rig.status(twice, body) == 401


async def test_twilio_signs_the_address_and_the_form(tmp_path: Path) -> None:
    with messages() as account:
        rig = _sms(account, tmp_path)
        (headers, body), sid = account.write("Hello", URL)
        for wrong in (
            account.write("Hello", "https://elsewhere.example/in/public/webhook")[0],
            (headers, body + b"&More=1"),
            (headers, body.replace(b"Hello", b"Hallo")),
            ({**headers, "x-twilio-signature": ""}, body),
            ({"content-type": headers["content-type"]}, body),
        ):
            assert await rig.status(*wrong) == 401
        answer = await rig.call(headers, body)
        assert bytes(answer.body).endswith(b"<Response></Response>")
        (message,) = rig.messages()
        assert (message.source_id, message.author.address, message.text) == (sid, CUSTOMER, "Hello")
        (record,) = rig.bus.records("raw.chat")
        assert record.key == f"sms:{OURS}:{CUSTOMER}"


async def test_slack_signs_time_and_body(tmp_path: Path) -> None:
    rig = _slack(tmp_path)
    good, body = slack(slack_message("Hello"))
    for wrong in (
        slack(slack_message("Hello"), key="another-secret"),
        slack(slack_message("Hello"), at=time.time() - 301),
        slack(slack_message("Hello"), at=time.time() + 301),
        (good, body.replace(b"Hello", b"Hallo")),
        (good, body.replace(b": ", b":")),
        ({**good, "x-slack-request-timestamp": "²"}, body),
        ({**good, "x-slack-request-timestamp": "1" + good["x-slack-request-timestamp"]}, body),
        ({**good, "x-slack-signature": good["x-slack-signature"].removeprefix("v0=")}, body),
        ({k: v for k, v in good.items() if k != "x-slack-request-timestamp"}, body),
    ):
        assert await rig.status(*wrong) == 401
    for _ in range(2):
        assert await rig.status(good, body) == 200
    assert [message.text for message in rig.messages()] == ["Hello"]
    with pytest.raises(Refused, match="nothing is sent by slack"):
        await rig.send(rig.reply("Yes?", provider_thread="D1"))


async def test_slack_asks_first_whether_the_address_is_ours(tmp_path: Path) -> None:
    rig = _slack(tmp_path)
    asked = {"type": "url_verification", "challenge": "3eZbrw1a", "token": "old"}
    answer = await rig.call(*slack(asked))
    assert bytes(answer.body) == b'{"challenge":"3eZbrw1a"}'
    assert await rig.status(*slack(asked, key="another-secret")) == 401
    assert not rig.raw


async def test_webex_signs_its_notices_and_the_text_is_fetched(tmp_path: Path) -> None:
    with webex_messages() as there:
        settings = {"provider": "webex", "webhook_secret": WEBEX, "token": WEBEX_TOKEN, "api_url": there.url}
        rig = Rig(CHAT, settings, tmp_path)
        assert await rig.status(*webex(webex_notice(), key="another-secret")) == 401
        assert await rig.status(*webex(webex_notice())) == 200
        (message,) = rig.messages()
        assert (message.text, message.author.address) == ("Is the tea organic?", "person-1")
        assert len(rig.raw) == 2
        # while Webex is away the notice stands for it
        there.faulty.faults.append(Fault("GET /", 503))
        assert await rig.status(*webex(webex_notice("message-2"))) == 200
        assert [each.warnings for each in rig.messages()] == [[], ["text:not_in_payload"]]
        removed = webex_notice() | {"event": "deleted"}
        assert await rig.status(*webex(removed)) == 200
        assert rig.messages()[0].change == "removed"
        assert not await _any_secret(rig, WEBEX, WEBEX_TOKEN)


async def _any_secret(rig: Rig, *secrets: str) -> bool:
    said = b"".join(record.value or b"" for record in rig.bus.records("raw.chat")) + repr(rig.settings).encode()
    return any(secret.encode() in said for secret in secrets)


@pytest.mark.parametrize("provider", ["telegram", "sms", "slack", "webex"])
def test_without_its_secret_a_route_does_not_open(tmp_path: Path, provider: str) -> None:
    (route,) = Rig(CHAT, {"provider": provider}, tmp_path).routes
    assert isinstance(route, ClosedRoute)
    assert ("token" if provider == "sms" else "webhook_secret") in route.because


# -- what is kept


async def test_a_picture_on_telegram_is_fetched_with_the_bots_token(tmp_path: Path) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        photo = [{"file_id": "photo-1", "file_unique_id": "u", "width": 90, "height": 90, "file_size": 503}]
        assert await rig.status(*bot.write("", photo=photo, caption="Broken")) == 200
        (message,) = rig.messages()
        (file,) = message.attachments
        assert (file.size, message.warnings, message.text) == (503, [], "Broken")
        assert await rig.place.blobs.get(str(file.blob)) == bot.file
        assert not await _any_secret(rig, BOT, WEBHOOK)
        for unobtainable in ("climbing", "unknown"):
            document = {"file_id": unobtainable, "file_name": "x.pdf", "mime_type": "application/pdf"}
            assert await rig.status(*bot.write("x", document=document)) == 200
        assert [each.warnings for each in rig.messages()[1:]] == [["attachment:not_fetched"]] * 2


async def test_what_comes_again_or_out_of_order_is_the_same_message(tmp_path: Path) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        first = bot.write("One", message_id=7)
        sent = {"message_id": 7, "date": 1_770_000_000, "chat": {"id": 42, "type": "private"}, "from": {"id": 42}}
        edited = bot.update({"edited_message": sent | {"edit_date": 1_770_000_060, "text": "One, edited"}})
        for delivery in (edited, first, edited, first):
            assert await rig.status(*delivery) == 200
        assert rig.texts() == ["One, edited"]
        assert {record.key for record in rig.bus.records("raw.chat")} == {"42"}


async def test_what_is_no_message_is_taken_and_ignored(tmp_path: Path) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        assert await rig.status(*bot.update({"poll": {"id": "1"}})) == 200
        assert [type(outcome) for outcome in rig.outcomes()] == [Ignored]


# -- what they are answered


async def test_an_answer_on_telegram(tmp_path: Path) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        sent = await rig.send(rig.reply("Which one?", provider_thread="42:9", in_reply_to="42:107"))
        assert sent.startswith("42:")
        reply = {"message_id": 107, "allow_sending_without_reply": True}
        assert bot.sent == [{"chat_id": 42, "message_thread_id": 9, "reply_parameters": reply, "text": "Which one?"}]
        for thread, text in (("", "x"), ("not a chat", "x"), ("403", "x"), ("42", " ")):
            with pytest.raises(Refused):
                await rig.send(rig.reply(text, provider_thread=thread))


async def test_a_long_answer_leaves_in_parts_and_a_wait_that_is_asked_for_is_kept(tmp_path: Path) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        text = "\n\n".join(["word " * 300] * 5).strip()
        sender = rig.sender()
        bot.limit(17)
        with pytest.raises(Retryable) as limited:
            await sender.send(rig.reply(text, provider_thread="42"))
        assert limited.value.after == 17
        with pytest.raises(Retryable, match="asked us to wait"):
            await sender.send(rig.reply(text, provider_thread="42"))
        assert len(bot.faulty.asked) == 1
        await sender.close()
        await rig.send(rig.reply(text, provider_thread="42"))
        assert len(bot.sent) == 3
        assert "\n\n".join(each["text"] for each in bot.sent).split() == text.split()
        assert "reply_parameters" not in bot.sent[1]


async def test_what_is_cut_off_in_the_middle_is_uncertain_and_goes_on_where_it_was(tmp_path: Path) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        text = ("word " * 1_000).strip()
        sender = rig.sender()
        reply = rig.reply(text, provider_thread="42")
        bot.faulty.faults.append(Fault("POST /", how="cut"))
        with pytest.raises(Uncertain):
            await sender.send(reply)
        bot.sent.clear()
        await sender.send(reply)
        bot.faulty.faults.append(Fault("POST /", 502))
        with pytest.raises(Uncertain):
            await sender.send(rig.reply("x", provider_thread="42", reply_id="r2"))
        await sender.close()
        assert " ".join(each["text"] for each in bot.sent).split() == text.split()


async def test_a_short_wait_between_two_parts_is_waited_for(tmp_path: Path) -> None:
    with telegram() as bot:
        rig = _telegram(bot, tmp_path)
        sender = rig.sender()
        slept: list[float] = []

        async def sleep(seconds: float) -> None:
            slept.append(seconds)
            sender._http._not_before = 0.0  # type: ignore[attr-defined]

        sender._in_parts = InParts(pause=sleep)  # type: ignore[attr-defined]
        bot.faulty.faults.append(
            Fault("POST /", how="answer", status=200, body=b'{"ok":true,"result":{"message_id":1}}')
        )
        bot.limit(3)
        await sender.send(rig.reply("word " * 1_000, provider_thread="42"))
        assert slept == [3.0]
        assert len(bot.sent) == 1
        bot.faulty.faults.append(
            Fault("POST /", how="answer", status=200, body=b'{"ok":true,"result":{"message_id":1}}')
        )
        bot.limit(900)
        with pytest.raises(Uncertain, match="1 of 2 parts"):
            await sender.send(rig.reply("word " * 1_000, provider_thread="42", reply_id="r2"))
        await sender.close()


async def test_an_answer_by_sms_is_sent_once(tmp_path: Path) -> None:
    with messages() as account:
        rig = _sms(account, tmp_path)
        thread = f"sms:{OURS}:{CUSTOMER}"
        reply = rig.reply("word " * 500, provider_thread=thread)
        account.faulty.faults.append(Fault("POST /", how="cut"))
        with pytest.raises(Uncertain):
            await rig.send(reply)
        sid = await rig.send(reply)
        assert await rig.send(reply) == sid
        assert [len(each["body"]) <= 1_600 for each in account.messages] == [True, True]
        assert " ".join(each["body"] for each in account.messages).split() == ["word"] * 500
        assert {(each["to"], each["from"]) for each in account.messages} == {(CUSTOMER, OURS)}
        whatsapp = rig.reply("Hi", provider_thread=f"whatsapp:{OURS}:{CUSTOMER}", reply_id="r2")
        await rig.send(whatsapp)
        assert account.messages[-1]["to"] == f"whatsapp:{CUSTOMER}"


async def test_what_twilio_refuses_or_asks_to_wait_for(tmp_path: Path) -> None:
    with messages() as account:
        rig = _sms(account, tmp_path)
        with pytest.raises(Refused, match="21610"):
            await rig.send(rig.reply("x", provider_thread=f"sms:{OURS}:+10000000000"))
        for thread in ("", "sms", "sms:+1"):
            with pytest.raises(Refused):
                await rig.send(rig.reply("x", provider_thread=thread))
        account.faulty.faults.append(Fault("POST /", 429, headers={"retry-after": "7"}))
        with pytest.raises(Retryable) as limited:
            await rig.send(rig.reply("x", provider_thread=f"sms:{OURS}:{CUSTOMER}"))
        assert (limited.value.after, limited.value.kind) == (7, "quota")
        wrong_token = _sms(account, tmp_path, token="another-token")
        with pytest.raises(Retryable) as wrong:
            await wrong_token.send(rig.reply("x", provider_thread=f"sms:{OURS}:{CUSTOMER}"))
        assert wrong.value.kind == "auth"
        assert "another-token" not in str(wrong.value)
        with pytest.raises(Refused, match="account_sid"):
            await _sms(account, tmp_path, account_sid=None).send(
                rig.reply("x", provider_thread=f"sms:{OURS}:{CUSTOMER}")
            )


@given(text=st.text(max_size=400), most=st.integers(2, 60))
def test_parts_are_short_enough_and_lose_no_word(text: str, most: int) -> None:
    found = parts(text, most)
    assert all(0 < units(part) <= most for part in found)
    assert "".join("".join(part.split()) for part in found) == "".join(text.split())


def test_parts_are_broken_between_paragraphs_lines_and_words() -> None:
    assert parts("one two\n\nthree", 12) == ["one two", "three"]
    assert parts("one two three four", 9) == ["one two", "three", "four"]
    assert parts("😀" * 5, 4) == ["😀😀", "😀😀", "😀"]
    assert parts(" \n", 4) == []
