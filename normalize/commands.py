"""`deskstream normalize`: what would be made of files, without a broker."""

import json
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, TextIO

import typer

from bus.errors import Invalid
from bus.message import CHANNELS, NormalizedMessage
from bus.model import BlobRef
from bus.raw import Inline, RawMessage
from normalize.outcome import Understood
from normalize.table import NORMALIZERS


def normalize_files(channel: str, account: str, paths: Sequence[Path], out: TextIO) -> None:
    """One JSON line per file: `{"file", "messages", "ignored"}` or `{"file", "error"}`.

    `raw` and `received_at` of the messages are null. A file that cannot be read, or of which nothing can be made,
    gets an error line; none ends the command.
    """
    out.writelines(_line(channel, account, path) + "\n" for path in paths)


def _line(channel: str, account: str, path: Path) -> str:
    name = json.dumps(str(path), ensure_ascii=False)
    try:
        messages, ignored = _normalize(channel, account, path.read_bytes())
    except Invalid as error:
        return f'{{"file":{name},"error":{json.dumps(str(error), ensure_ascii=False)}}}'
    except OSError as error:
        why = f"cannot read the file: {error.strerror or type(error).__name__}"
        return f'{{"file":{name},"error":{json.dumps(why, ensure_ascii=False)}}}'
    except Exception as error:  # noqa: BLE001 - the next file is none the worse for it
        return f'{{"file":{name},"error":{json.dumps(f"unexpected: {type(error).__name__}")}}}'
    return f'{{"file":{name},"messages":[{",".join(messages)}],"ignored":[{",".join(ignored)}]}}'


def _normalize(channel: str, account: str, payload: bytes) -> tuple[list[str], list[str]]:
    known = next((each for each in CHANNELS if each == channel), None)
    if known is None:
        raise Invalid(f"unknown channel {channel!r}; known are {', '.join(CHANNELS)}")
    normalizer = NORMALIZERS.get(known)
    if normalizer is None:
        raise Invalid(f"no normalizer for channel {channel} yet; there is one for {', '.join(NORMALIZERS)}")
    record = RawMessage(
        channel=known,
        account=account,
        received_at=datetime.fromtimestamp(0, UTC),
        payload=Inline(base64=b""),
    )
    messages: list[str] = []
    ignored: list[str] = []
    for outcome in normalizer(record, payload):
        if isinstance(outcome, Understood):
            messages.append(_shown(outcome).to_json().decode())
        else:
            ignored.append(json.dumps({"reason": outcome.reason}, ensure_ascii=False))
    return messages, ignored


def _shown(understood: Understood) -> NormalizedMessage:
    """The message as a person wants to read it: without a broker's facts, long texts in full."""
    message = understood.message
    texts = {
        name: understood.blobs[value.blob].decode()
        for name, value in (("text", message.text), ("reply_text", message.reply_text), ("html", message.html))
        if isinstance(value, BlobRef)
    }
    return message.model_copy(update={"received_at": None, "raw": None, **texts})


def normalize_command(
    files: Annotated[list[Path], typer.Argument(metavar="FILE…", help="Files, one message each.")],
    channel: Annotated[str, typer.Option(help="The channel they came from: email, x, phone, …")],
    account: Annotated[str, typer.Option(help="The connector instance they count as.")] = "normalize",
) -> None:
    """Show what would be made of files, one JSON line per file. Needs no broker."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    normalize_files(channel, account, files, sys.stdout)


def register(app: typer.Typer) -> None:
    """Add `normalize` to the command line."""
    app.command("normalize")(normalize_command)
