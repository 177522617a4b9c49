"""Answers as a bot on Telegram (Bot API, sendMessage)."""

import re

from bus.reply import Reply
from ingest.chat.in_parts import InParts
from ingest.chat.parts import parts
from ingest.chat.settings import ChatSettings
from ingest.contract import Refused, Uncertain
from ingest.providers.http import Answer, ProviderHttp, failed

LONGEST = 4_096
_THREAD = re.compile(r"(-?[0-9]{1,20}|@[A-Za-z0-9_]{3,64})(?::([0-9]{1,20}))?")


class TelegramSender:
    """Sender (ingest.contract). `provider_thread`: the chat's id, with `:` and its topic's; `in_reply_to`: chat and
    message.

    Telegram cannot be asked what a bot has sent, so that nothing is looked for first.
    """

    idempotent = False

    def __init__(self, settings: ChatSettings) -> None:
        self._token = settings.token.get_secret_value() if settings.token is not None else None
        self._http = ProviderHttp(settings.api, wait_told=_wait)
        self._in_parts = InParts()

    async def send(self, reply: Reply) -> str:
        """See Sender; the provider's id is the last message's."""
        found = _THREAD.fullmatch(reply.provider_thread or "")
        if found is None:
            raise Refused("the reply names no chat of Telegram")
        if self._token is None:
            raise Refused("no token: [connectors] token is Telegram's bot token")
        whole = parts(reply.text, LONGEST)
        if not whole:
            raise Refused("there is nothing to send")
        about: dict[str, object] = {"chat_id": int(found[1]) if found[1][0] != "@" else found[1]}
        if found[2]:
            about["message_thread_id"] = int(found[2])
        answered = (reply.in_reply_to or "").rpartition(":")[2]
        if answered.isascii() and answered.isdigit():
            about["reply_parameters"] = {"message_id": int(answered), "allow_sending_without_reply": True}

        async def one(text: str) -> str:
            first = about if text is whole[0] else {k: v for k, v in about.items() if k != "reply_parameters"}
            path = f"/bot{self._token}/sendMessage"
            return _sent(await self._http.ask("POST", path, json_body={**first, "text": text}, sending=True))

        return f"{found[1]}:{await self._in_parts.send(reply.reply_id, whole, one)}"

    async def close(self) -> None:
        """Hang up."""
        await self._http.close()


def _wait(answer: Answer) -> float | None:
    """How long Telegram asks us to wait, which stands in the body (ResponseParameters)."""
    parameters = answer.json.get("parameters")
    seconds = parameters.get("retry_after") if isinstance(parameters, dict) else None
    return float(seconds) if isinstance(seconds, int | float) else None


def _sent(answer: Answer) -> str:
    told = answer.json
    if answer.status == 200 and told.get("ok") is True:
        result = told.get("result")
        return str(result.get("message_id") if isinstance(result, dict) else "")
    why = str(told.get("description") or f"status {answer.status}")[:200]
    if answer.status in (400, 403, 404):  # blocked by the user, no such chat, nothing that can be sent
        raise Refused(f"Telegram does not take it: {why}")
    if answer.status == 200 or (answer.status >= 500 and answer.status != 503):
        raise Uncertain(f"Telegram failed while it took it ({answer.status})")
    raise failed(answer, "Telegram")
