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
from normalize.outcome import Ignored, Understood
from normalize.table import NORMALIZERS


def normalize_files(channel: str, account: str, paths: Sequence[Path], out: TextIO, *, explain: bool = False) -> None:
    """One JSON line per file: `{"file", "messages", "ignored"}` or `{"file", "error"}`.

    `raw` and `received_at` of the messages are null. A file that cannot be read, or of which nothing can be made,
    gets an error line; none ends the command. With `explain` a line has `explanations` too: for each message the
    decisions that made it, `[{"about", "decided", "because"}…]`.
    """
    out.writelines(_line(channel, account, path, explain=explain) + "\n" for path in paths)


def _line(channel: str, account: str, path: Path, *, explain: bool) -> str:
    name = _json(str(path))
    try:
        outcomes = _normalize(channel, account, path.read_bytes())
        understood = [outcome for outcome in outcomes if isinstance(outcome, Understood)]
        messages = [_shown(each).to_json().decode() for each in understood]
        ignored = [_json({"reason": outcome.reason}) for outcome in outcomes if isinstance(outcome, Ignored)]
        explanations = [[decision._asdict() for decision in each.explain()] for each in understood] if explain else []
    except Invalid as error:
        return f'{{"file":{name},"error":{_json(str(error))}}}'
    except OSError as error:
        why = f"cannot read the file: {error.strerror or type(error).__name__}"
        return f'{{"file":{name},"error":{_json(why)}}}'
    except Exception as error:  # noqa: BLE001 - the next file is none the worse for it
        return f'{{"file":{name},"error":{_json(f"unexpected: {type(error).__name__}")}}}'
    more = f',"explanations":{_json(explanations)}' if explain else ""
    return f'{{"file":{name},"messages":[{",".join(messages)}],"ignored":[{",".join(ignored)}]{more}}}'


def _json(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _normalize(channel: str, account: str, payload: bytes) -> Sequence[Understood | Ignored]:
    known = next((each for each in CHANNELS if each == channel), None)
    if known is None:
        raise Invalid(f"unknown channel {channel!r}; known are {', '.join(CHANNELS)}")
    record = RawMessage(
        channel=known,
        account=account,
        received_at=datetime.fromtimestamp(0, UTC),
        payload=Inline(base64=b""),
    )
    return NORMALIZERS[known](record, payload)


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
    explain: Annotated[bool, typer.Option(help="Say what was decided on the way, and why.")] = False,
) -> None:
    """Show what would be made of files, one JSON line per file. Needs no broker."""
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(encoding="utf-8", errors="backslashreplace")
    normalize_files(channel, account, files, sys.stdout, explain=explain)


def register(app: typer.Typer) -> None:
    """Add `normalize` to the command line."""
    app.command("normalize")(normalize_command)
