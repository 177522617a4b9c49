"""An IMAP server that does on demand what no good server does: renumber, hang up in the middle, refuse, lie.

It speaks as much of RFC 9051 as `email-imap` asks for, from a mailbox in memory.
"""

import asyncio
import base64
import contextlib
import re
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

CAPABILITIES = "IMAP4rev1 IDLE MOVE UIDPLUS AUTH=XOAUTH2 AUTH=OAUTHBEARER AUTH=PLAIN SASL-IR"


@dataclass
class StoredMail:
    content: bytes
    flags: set[str] = field(default_factory=set)
    arrived: str = "01-Mar-2026 10:00:00 +0000"
    size: int | None = None


class ScriptedImap:
    """`mails` by UID. What a client said is in `said`, in order, without tags and literals' bytes."""

    def __init__(self) -> None:
        self.capabilities = CAPABILITIES
        self.uidvalidity = 1
        self.uidnext = 1
        self.mails: dict[int, StoredMail] = {}
        self.hidden: set[int] = set()
        self.folders = {"INBOX"}
        self.moved: list[tuple[int, str]] = []
        self.said: list[str] = []
        self.sessions = 0
        self.logins: list[tuple[str, ...]] = []
        self.accepts: Callable[[tuple[str, ...]], bool] = lambda _: True
        self.challenge = b'{"status":"401","schemes":"bearer","scope":"mail"}'
        self.refused_login = "NO [AUTHENTICATIONFAILED] Invalid credentials"
        self.answers: dict[str, list[str]] = {}
        self.cut_after: dict[str, list[int]] = {}
        self.unfetchable: set[int] = set()
        self.bad_dates = False
        self.announces_early = False
        self.after_select: Callable[[], object] = lambda: None
        self.mute: set[str] = set()
        self.fetched: Counter[int] = Counter()
        self._idlers: set[asyncio.StreamWriter] = set()
        self._told: dict[asyncio.StreamWriter, int] = {}
        self._writers: set[asyncio.StreamWriter] = set()

    def add(self, content: bytes, *, uid: int | None = None, **more: Any) -> int:  # noqa: ANN401  # StoredMail's fields
        """Deliver a mail, and tell those who idle."""
        uid = uid or self.uidnext
        self.mails[uid] = StoredMail(content, **more)
        self.uidnext = max(self.uidnext, uid + 1)
        self.announce()
        return uid

    def announce(self) -> None:
        for writer in self._idlers:
            self._told[writer] = len(self._shown())
            writer.write(f"* {len(self.mails)} EXISTS\r\n".encode())

    def renumber(self, uidvalidity: int) -> None:
        """What a restored or rebuilt mailbox does: other UIDs for the same mails."""
        self.uidvalidity = uidvalidity
        self.mails = dict(enumerate(self.mails.values(), 1))
        self.uidnext = len(self.mails) + 1

    def hang_up(self) -> None:
        """On everybody."""
        for writer in self._writers:
            writer.transport.abort()

    @asynccontextmanager
    async def serving(self, **tls: Any) -> AsyncIterator[int]:  # noqa: ANN401  # of asyncio's server
        """Its port."""
        server = await asyncio.start_server(self._session, "127.0.0.1", 0, limit=2**24, **tls)
        try:
            yield int(server.sockets[0].getsockname()[1])
        finally:
            server.close()
            self.hang_up()

    def _shown(self) -> dict[int, StoredMail]:
        return {uid: self.mails[uid] for uid in sorted(self.mails) if uid not in self.hidden}

    async def _session(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.sessions += 1
        self._writers.add(writer)
        writer.write(b"* OK ready\r\n")
        with contextlib.suppress(ConnectionError, asyncio.IncompleteReadError):
            while line := await reader.readline():
                text = line.decode().rstrip("\r\n")
                while found := re.search(r"\{(\d+)\}$", text):  # a literal
                    writer.write(b"+ go on\r\n")
                    text = text[: found.start()] + (await reader.readexactly(int(found[1]))).decode()
                    text += (await reader.readline()).decode().rstrip("\r\n")
                tag, _, command = text.partition(" ")
                self.said.append(command)
                words = command.split(" ")
                name = " ".join(words[:2]).upper() if words[0].upper() == "UID" else words[0].upper()
                if name in self.mute:
                    continue
                if self.answers.get(name):
                    writer.write(self.answers[name].pop(0).replace("TAG", tag).encode())
                    continue
                if not await self._answer(name, command, tag, reader, writer):
                    break
        self._writers.discard(writer)
        self._idlers.discard(writer)
        writer.close()

    async def _answer(  # noqa: C901, PLR0911, PLR0912  # a table of commands, one line or two each
        self, name: str, command: str, tag: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        def ok(*lines: str, code: str = "") -> bool:
            writer.write("".join(f"* {line}\r\n" for line in lines).encode() + f"{tag} OK {code}done\r\n".encode())
            return True

        if name == "LOGOUT":
            ok("BYE")
            return False
        if name == "CAPABILITY":
            return ok(f"CAPABILITY {self.capabilities}")
        if name == "LOGIN":
            return self._login(tuple(word.strip('"') for word in command.split(" ")[1:3]), tag, writer)
        if name == "AUTHENTICATE":
            return await self._authenticate(command.split(" ")[1], tag, reader, writer)
        if name in ("SELECT", "EXAMINE"):
            self._told[writer] = len(self._shown())
            ok(
                f"{len(self._shown())} EXISTS",
                "0 RECENT",
                r"FLAGS (\Seen \Deleted)",
                f"OK [UIDVALIDITY {self.uidvalidity}] x",
                f"OK [UIDNEXT {self.uidnext}] x",
                code="[READ-ONLY] " if name == "EXAMINE" else "[READ-WRITE] ",
            )
            self.after_select()
            return True
        if name == "UID SEARCH":
            return ok("SEARCH " + " ".join(map(str, self._in(command.split(" ")[3]))))
        if name == "UID FETCH":
            return self._fetch(command, tag, writer)
        if name == "UID STORE":
            for uid in self._in(command.split(" ")[2]):
                self.mails[uid].flags |= set(re.findall(r"\\\w+", command))
            return ok()
        if name in ("UID MOVE", "UID COPY"):
            folder = command.split(" ")[3].strip('"')
            for uid in self._in(command.split(" ")[2]):
                self.moved.append((uid, folder))
                if name == "UID MOVE":
                    del self.mails[uid]
            return ok()
        if name == "UID EXPUNGE":
            for uid in self._in(command.split(" ")[2]):
                if r"\Deleted" in self.mails[uid].flags:
                    del self.mails[uid]
            return ok()
        if name == "LIST":
            wanted = command.split(" ")[2].strip('"')
            return ok(*(f'LIST () "/" "{folder}"' for folder in sorted(self.folders) if folder == wanted))
        if name == "CREATE":
            self.folders.add(command.split(" ")[1].strip('"'))
            return ok()
        if name == "IDLE":
            self._idlers.add(writer)
            told, now = self._told.get(writer), len(self._shown())
            news = b"" if told == now else f"* {now} EXISTS\r\n".encode()
            self._told[writer] = now
            writer.write(news + b"+ idling\r\n" if self.announces_early else b"+ idling\r\n" + news)
            await reader.readline()
            self._idlers.discard(writer)
            return ok()
        writer.write(f"{tag} BAD unknown\r\n".encode())
        return True

    def _login(self, who: tuple[str, ...], tag: str, writer: asyncio.StreamWriter) -> bool:
        self.logins.append(who)
        writer.write(f"{tag} {'OK in' if self.accepts(who) else self.refused_login}\r\n".encode())
        return True

    async def _authenticate(
        self, mechanism: str, tag: str, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> bool:
        writer.write(b"+ \r\n")
        said = base64.b64decode(await reader.readline()).decode()
        who = (mechanism, *re.split(r"[\x00\x01]+", said.strip("\x00\x01")))
        self.logins.append(who)
        if self.accepts(who):
            writer.write(f"{tag} OK in\r\n".encode())
            return True
        if mechanism != "PLAIN":
            writer.write(b"+ " + base64.b64encode(self.challenge) + b"\r\n")
            self.said.append(f"answer to the challenge: {(await reader.readline()).decode().strip()!r}")
        writer.write(f"{tag} {self.refused_login}\r\n".encode())
        return True

    def _in(self, ranges: str) -> list[int]:
        shown = self._shown()
        highest = max(shown, default=0)
        found: set[int] = set()
        for part in ranges.split(","):
            first, _, last = part.partition(":")
            ends = sorted(highest if end == "*" else int(end) for end in (first, last or first))
            found |= {uid for uid in shown if ends[0] <= uid <= ends[1]}
        return sorted(found)

    def _fetch(self, command: str, tag: str, writer: asyncio.StreamWriter) -> bool:
        _, _, ranges, what = command.split(" ", 3)
        uids = self._in(ranges)
        whole = "BODY.PEEK[]" in what
        if whole and self.unfetchable & set(uids):
            writer.write(f"{tag} NO The requested message could not be converted\r\n".encode())
            return True
        for uid in uids:
            self.fetched[uid] += whole
            for piece in self._pieces(uid, what):
                cuts = self.cut_after.get("UID FETCH") if whole else None
                if cuts and len(piece) > cuts[0]:
                    writer.write(piece[: cuts.pop(0)])
                    writer.close()
                    return False
                writer.write(piece)
        writer.write(f"{tag} OK done\r\n".encode())
        return True

    def _pieces(self, uid: int, what: str) -> Iterable[bytes]:
        mail = self.mails[uid]
        sequence = list(self._shown()).index(uid) + 1
        if "RFC822.SIZE" in what:
            size = len(mail.content) if mail.size is None else mail.size
            date = f' INTERNALDATE "{"no date" if self.bad_dates else mail.arrived}"' if "INTERNALDATE" in what else ""
            yield f"* {sequence} FETCH (UID {uid} RFC822.SIZE {size}{date})\r\n".encode()
            return
        content, label = mail.content, "BODY[]"
        if "HEADER" in what:
            content, label = mail.content.partition(b"\r\n\r\n")[0] + b"\r\n\r\n", "BODY[HEADER]<0>"
        yield f"* {sequence} FETCH (UID {uid} {label} {{{len(content)}}}\r\n".encode() + content + b")\r\n"
