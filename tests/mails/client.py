"""A lean SMTP client that keeps a ledger: what was accepted, refused, or left unknown by a lost connection."""

import contextlib
import json
import queue
import socket
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

from tests.mails.generator import DESK, GeneratedMail

Outcome = Literal["accepted", "rejected", "unknown"]


@dataclass(frozen=True, slots=True)
class Sent:
    """What became of one attempt; `at`: `time.time()` when the answer came."""

    mail: GeneratedMail
    outcome: Outcome
    at: float


class Session:
    """One SMTP session; plain RFC 5321, one command at a time."""

    def __init__(self, address: str, timeout: float = 60.0) -> None:
        host, _, port = address.rpartition(":")
        self._socket = socket.create_connection((host, int(port)), timeout=timeout)
        self._socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._expect(self._answer(), b"220")
        self._command(b"EHLO client.example", b"250")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendall(b"QUIT\r\n")
        self._socket.close()

    def send(self, sender: str, data: bytes) -> Outcome:
        """Hand over one mail. Raises OSError when the session is lost before the mail could have been taken."""
        self._command(b"MAIL FROM:<" + sender.encode() + b">", b"250")
        self._command(b"RCPT TO:<" + DESK.encode() + b">", b"250")
        self._command(b"DATA", b"354")
        stuffed = data.replace(b"\r\n.", b"\r\n..")
        end = b".\r\n" if stuffed.endswith(b"\r\n") else b"\r\n.\r\n"
        try:
            self._socket.sendall(stuffed + end)
            answer = self._answer()
        except OSError:
            return "unknown"
        if not answer:
            return "unknown"
        return "accepted" if answer.startswith(b"250") else "rejected"

    def _command(self, line: bytes, expected: bytes) -> None:
        self._socket.sendall(line + b"\r\n")
        self._expect(self._answer(), expected)

    @staticmethod
    def _expect(answer: bytes, expected: bytes) -> None:
        if not answer.startswith(expected):
            raise ConnectionAbortedError(answer.decode("utf-8", "replace").strip() or "connection lost")

    def _answer(self) -> bytes:
        answer = b""
        while True:
            found = self._socket.recv(4_096)
            if not found:
                return b""
            answer += found
            if answer.endswith(b"\r\n") and answer.splitlines()[-1][3:4] != b"-":
                return answer


def send_all(
    address: Callable[[], str],
    mails: Sequence[GeneratedMail],
    *,
    sessions: int = 4,
    per_session: int = 50,
    rate: float | None = None,
    persist: float = 0.0,
) -> list[Sent]:
    """Send over so many sessions at once, each of so many mails; `rate`: mails a second over all.

    `persist`: for how many seconds a mail that was refused for now, or found no server, is tried again, as a
    mail server would; an unknown one is tried again too (it may then have been taken twice).
    """
    waiting: queue.SimpleQueue[tuple[int, GeneratedMail]] = queue.SimpleQueue()
    for numbered in enumerate(mails):
        waiting.put(numbered)
    results: list[Sent] = []
    began = time.time()

    def work() -> None:
        while not waiting.empty():
            with contextlib.suppress(OSError), Session(address()) as session:
                for _ in range(per_session):
                    try:
                        n, mail = waiting.get_nowait()
                    except queue.Empty:
                        return
                    if rate:
                        time.sleep(max(0.0, began + n / rate - time.time()))
                    if not _deliver(session, n, mail, waiting, results, began + persist):
                        break
                continue
            if time.time() > began + persist:
                return
            time.sleep(0.2)

    threads = [threading.Thread(target=work, daemon=True) for _ in range(sessions)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return results


def _deliver(
    session: Session,
    n: int,
    mail: GeneratedMail,
    waiting: "queue.SimpleQueue[tuple[int, GeneratedMail]]",
    results: list[Sent],
    until: float,
) -> bool:
    """Whether the session can go on."""
    outcome: Outcome
    try:
        outcome = session.send(mail.sender, mail.data)
    except OSError:
        outcome = "rejected"
    results.append(Sent(mail, outcome, time.time()))
    if outcome != "accepted" and time.time() < until:
        waiting.put((n, mail))
    return outcome == "accepted"


def write_ledger(path: Path, results: Iterable[Sent]) -> None:
    """The ledger that `deskstream verify --ledger` reads."""
    with path.open("w") as file:
        for sent in results:
            entry = {"op": "mail", "token": sent.mail.token, "outcome": sent.outcome, "kind": sent.mail.kind}
            file.write(json.dumps(entry | {"conversation": sent.mail.conversation}) + "\n")
