"""An SMTP server that does what its script says, byte by byte."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager

CUT = b"CUT"
"""Hang up instead of answering."""
SILENCE = b"SILENCE"
"""Never answer."""


class ScriptedServer:
    """`answers` by verb (`MAIL`, `RCPT`, `DATA`, `.` for the mail itself, `GREETING`); others get what is usual.

    `once`: answers that are given a single time. `cut_inside`: hang up after so many bytes of a mail.
    `mails`: what came, stuffed dots and all; `verbs`: all said.
    """

    def __init__(self, answers: Mapping[str, bytes], *, cut_inside: int | None = None, extensions: str = "") -> None:
        self.answers = dict(answers)
        self.once: dict[str, bytes] = {}
        self.cut_inside = cut_inside
        self.extensions = extensions
        self.mails: list[bytes] = []
        self.verbs: list[str] = []
        self.connections = 0
        self.port = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """One session."""
        self.connections += 1
        try:
            if not await self._say(writer, "GREETING", b"220 scripted"):
                return
            while line := await reader.readline():
                verb = line.split()[0].decode().upper()
                self.verbs.append(line.decode().strip())
                usual = {"EHLO": self._ehlo(), "DATA": b"354 go on", "QUIT": b"221 bye"}.get(verb, b"250 ok")
                if not await self._say(writer, verb, usual):
                    return
                if verb == "DATA" and self.answers.get(verb, usual).startswith(b"354"):
                    if self.cut_inside is not None:
                        await reader.readexactly(self.cut_inside)
                        return
                    self.mails.append(await reader.readuntil(b"\r\n.\r\n"))
                    if not await self._say(writer, ".", b"250 queued"):
                        return
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.transport.abort() if self.cut_inside is not None else writer.close()

    def _ehlo(self) -> bytes:
        return f"250-scripted\r\n250-{self.extensions}\r\n250 HELP".encode() if self.extensions else b"250 scripted"

    async def _say(self, writer: asyncio.StreamWriter, verb: str, usual: bytes) -> bool:
        answer = self.once.pop(verb, None) or self.answers.get(verb, usual)
        if answer == SILENCE:
            await asyncio.sleep(3600)
        if answer == CUT:
            return False
        writer.write(answer + b"\r\n")
        await writer.drain()
        return True


@asynccontextmanager
async def scripted(
    answers: Mapping[str, bytes] | None = None, *, cut_inside: int | None = None, extensions: str = ""
) -> AsyncIterator[ScriptedServer]:
    """A running one."""
    script = ScriptedServer(answers or {}, cut_inside=cut_inside, extensions=extensions)
    sessions: set[asyncio.Task[None]] = set()

    def begin(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        task = asyncio.create_task(script.serve(reader, writer))
        sessions.add(task)
        task.add_done_callback(sessions.discard)

    server = await asyncio.start_server(begin, "127.0.0.1", 0, limit=64 * 1024 * 1024)
    script.port = server.sockets[0].getsockname()[1]
    try:
        yield script
    finally:
        server.close()
        for task in list(sessions):
            task.cancel()
        await asyncio.gather(*sessions, return_exceptions=True)
