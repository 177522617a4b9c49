"""`deskstream send`: hand mails to a running SMTP connector, as a mail server would."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Annotated

import typer

from bus.errors import ConfigError
from bus.options import ConfigOption, DataOption, JsonOption, Options, resolve
from bus.output import console, safe
from ingest.delivering import Delivery, deliver

FilesArgument = Annotated[
    list[Path], typer.Argument(help="Mails (.eml), or folders of them.", metavar="FILE.eml|FOLDER…")
]


def send_command(
    files: FilesArgument,
    per_session: Annotated[int, typer.Option("--per-session", min=1, help="Mails in one SMTP session.")] = 50,
    sessions: Annotated[int, typer.Option("--sessions", min=1, max=200, help="Sessions at a time.")] = 1,
    to: Annotated[str | None, typer.Option("--to", help="Recipient [default: the connector's first address].")] = None,
    sender: Annotated[
        str | None, typer.Option("--from", help="Return path; <> for the null one [default: the mail's From].")
    ] = None,
    smtp: Annotated[str | None, typer.Option("--smtp", help="HOST:PORT [default: of the running `up`].")] = None,
    data: DataOption = None,
    config: ConfigOption = None,
    as_json: JsonOption = False,
) -> None:
    """Send mails by SMTP and print which were accepted and which refused; exit status 1 when one was not accepted.

    The order of the files is kept within a session.
    """
    options = resolve(data, config)
    mails = _mails(files)
    host, port = _server(options, smtp)
    recipient = to or _first_address(options)
    found = asyncio.run(
        _send(mails, host, port, recipient, sender, per_session=per_session, sessions=sessions, as_json=as_json)
    )
    accepted = sum(item.accepted for item in found)
    if not as_json:
        for item in found:
            if not item.accepted:
                console().print(f"refused   {safe(item.file)}: {safe(item.reply)}")
        console().print(f"accepted  {accepted} of {len(found)}")
    if accepted < len(found):
        raise typer.Exit(1)


async def _send(
    mails: list[Path],
    host: str,
    port: int,
    recipient: str,
    sender: str | None,
    *,
    per_session: int,
    sessions: int,
    as_json: bool,
) -> list[Delivery]:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    found: list[Delivery] = []
    screen = Console(stderr=True)
    with Progress(
        TextColumn("sending"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=screen,
        transient=True,
        disable=not screen.is_terminal,
    ) as progress:
        task = progress.add_task("sending", total=len(mails))

        def told(item: Delivery) -> None:
            found.append(item)
            progress.advance(task)
            if as_json:
                line = {"file": str(item.file), "accepted": item.accepted, "reply": item.reply}
                sys.stdout.write(json.dumps(line, ensure_ascii=False) + "\n")

        await deliver(mails, host, port, recipient, sender, per_session=per_session, sessions=sessions, told=told)
    return found


def _mails(files: list[Path]) -> list[Path]:
    mails: list[Path] = []
    for path in files:
        if path.is_dir():
            mails += sorted(path.glob("*.eml"))
        elif path.is_file():
            mails.append(path)
        else:
            raise ConfigError(f"there is no file or folder {path}")
    if not mails:
        raise ConfigError("no *.eml is there to be sent")
    return mails


def _server(options: Options, smtp: str | None) -> tuple[str, int]:
    up = options.endpoints()
    address = smtp or (up.smtp if up else None)
    if not address:
        raise ConfigError(
            f"no `deskstream up` with an SMTP connector runs on {options.data}; start one or give --smtp HOST:PORT"
        )
    host, _, port = address.rpartition(":")
    if not (host and port.isdigit()):
        raise ConfigError(f"--smtp: {address!r} is not HOST:PORT")
    return host, int(port)


def _first_address(options: Options) -> str:
    from ingest.smtp.settings import EmailSmtpSettings
    from ingest.table import configured

    for _, section in configured(options.settings()).values():
        if isinstance(section, EmailSmtpSettings):
            return section.addresses[0]
    raise ConfigError("no SMTP connector is configured; give --to ADDRESS")
