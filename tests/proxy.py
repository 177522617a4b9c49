"""A TCP proxy that loses answers: what was asked takes effect, and who asked never hears of it."""

import contextlib
import random
import socket
import socketserver
import threading
from collections.abc import Callable, Iterator

Asks = Callable[[bytes], bool]


def commits(sent: bytes) -> bool:
    """Whether a PostgreSQL client sends COMMIT (a simple query, as psycopg does)."""
    return b"COMMIT\x00" in sent


def produces(sent: bytes) -> bool:
    """Whether a Kafka client sends Produce (0) or EndTxn (26): length, then the number of the request."""
    return len(sent) > 6 and sent[4:6] in (b"\x00\x00", b"\x00\x1a") and int.from_bytes(sent[:4], "big") > 8


class LosingProxy:
    """Passes everything on; of the requests that `asks` knows it loses the answers that `share` and `seed` choose."""

    def __init__(self, target: tuple[str, int], asks: Asks, share: float, seed: int, port: int = 0) -> None:
        self.lost = 0
        self.share = share
        self._target = target
        self._asks = asks
        self._random = random.Random(seed)
        proxy = self

        class Handler(socketserver.BaseRequestHandler):
            def handle(self) -> None:
                proxy._serve(self.request)

        class Server(socketserver.ThreadingTCPServer):
            allow_reuse_address = True
            daemon_threads = True

        self._server = Server(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])

    @contextlib.contextmanager
    def running(self) -> Iterator["LosingProxy"]:
        """Serve while inside."""
        thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        thread.start()
        try:
            yield self
        finally:
            self._server.shutdown()
            self._server.server_close()

    def _serve(self, client: socket.socket) -> None:
        try:
            server = socket.create_connection(self._target, timeout=10)
        except OSError:
            return
        server.settimeout(None)
        losing = threading.Event()
        with server:
            back = threading.Thread(target=self._answers, args=(server, client, losing), daemon=True)
            back.start()
            with contextlib.suppress(OSError):
                while sent := client.recv(65_536):
                    if self._asks(sent) and self._random.random() < self.share:
                        losing.set()
                    server.sendall(sent)
            with contextlib.suppress(OSError):
                server.shutdown(socket.SHUT_WR)
            back.join(10)

    def _answers(self, server: socket.socket, client: socket.socket, losing: threading.Event) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(65_536):
                if losing.is_set():  # it has been done: now nobody hears of it
                    self.lost += 1
                    break
                client.sendall(said)
        for end in (client, server):
            with contextlib.suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
