"""Answers as SMS, or by WhatsApp, through Twilio (Messages resource)."""

from base64 import b64encode
from collections.abc import Sequence
from email.utils import parsedate_to_datetime
from typing import Any

from bus.reply import Reply
from ingest.chat.in_parts import InParts
from ingest.chat.parts import parts
from ingest.chat.settings import ChatSettings
from ingest.contract import Refused, Uncertain
from ingest.providers.http import Answer, ProviderHttp, failed

LONGEST = 1_600
_LOST = {"failed", "undelivered", "canceled"}


class SmsSender:
    """Sender (ingest.contract). `provider_thread`: network, our number and the customer's, with colons between.

    Twilio is asked first what it has sent to that number: what is there already is not sent again.
    """

    idempotent = False

    def __init__(self, settings: ChatSettings) -> None:
        self._account = settings.account_sid
        token = settings.token.get_secret_value() if settings.token is not None else ""
        login = b64encode(f"{self._account}:{token}".encode()).decode()
        self._http = ProviderHttp(settings.api, headers={"Authorization": f"Basic {login}"})
        self._in_parts = InParts()

    async def send(self, reply: Reply) -> str:
        """See Sender; the provider's id is the last message's SID."""
        network, _, numbers = (reply.provider_thread or "").partition(":")
        own, _, customer = numbers.rpartition(":")
        if not network or not own or not customer:
            raise Refused("the reply names no number")
        if self._account is None:
            raise Refused("no account: [connectors] account_sid is Twilio's")
        prefix = "" if network == "sms" else f"{network}:"
        to, sender = prefix + customer, prefix + own
        path = f"/2010-04-01/Accounts/{self._account}/Messages.json"
        there = await self._there(path, to, sender, reply)

        async def one(text: str) -> str:
            for message in there:
                if message.get("body") == text:
                    there.remove(message)  # a part may say the same as another
                    return str(message["sid"])
            form = {"To": to, "From": sender, "Body": text}
            return _sent(await self._http.ask("POST", path, form=form, sending=True))

        whole = parts(reply.text, LONGEST)
        if not whole:
            raise Refused("there is nothing to send")
        return await self._in_parts.send(reply.reply_id, whole, one)

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()

    async def _there(self, path: str, to: str, sender: str, reply: Reply) -> list[dict[str, Any]]:
        """What was sent to that number since the reply was written, and has not failed."""
        day = reply.created_at.strftime("%Y-%m-%d")
        asked = {"To": to, "From": sender, "DateSent>": day, "PageSize": "100"}
        answer = await self._http.ask("GET", path, params=asked)
        if answer.status != 200:
            raise failed(answer, "the messages at Twilio")
        return [message for message in _messages(answer) if _since(message, reply)]


def _messages(answer: Answer) -> Sequence[dict[str, Any]]:
    found = answer.json.get("messages")
    return [each for each in found if isinstance(each, dict) and each.get("sid")] if isinstance(found, list) else []


def _since(message: dict[str, Any], reply: Reply) -> bool:
    try:
        created = parsedate_to_datetime(str(message.get("date_created")))
    except ValueError:
        return False
    return created >= reply.created_at.replace(microsecond=0) and message.get("status") not in _LOST


def _sent(answer: Answer) -> str:
    told = answer.json
    if answer.status in (200, 201):
        if not told.get("sid"):
            raise Uncertain("Twilio's answer does not say whether it has taken the message")
        return str(told["sid"])
    if answer.status in (400, 404):  # 21211 no such number, 21610 unsubscribed, 21614 no mobile number …
        raise Refused(f"Twilio does not take it: {told.get('code')} {str(told.get('message') or '')[:200]}".rstrip())
    if answer.status >= 500 and answer.status != 503:
        raise Uncertain(f"Twilio failed while it took the message ({answer.status})")
    raise failed(answer, "Twilio")
