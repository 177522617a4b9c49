"""Toy services and a toy `up`, for tests of the supervision without Kafka and PostgreSQL.

`python -m tests.deploy.toys FOLDER` holds FOLDER and keeps two toys, `first` and `second`, until SIGTERM.
"""

import asyncio
import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

from deploy.supervise.folder import FolderHeld, clear_leftovers, hold, record_children
from deploy.supervise.part import Service, service_part
from deploy.supervise.supervisor import Supervisor

SERVE = """
import http.server, json, os, pathlib, signal, subprocess, sys
class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200 if self.path in ("/readyz", "/healthz") else 404)
        self.end_headers()
    def log_message(self, *_): pass
server = http.server.HTTPServer(("127.0.0.1", 0), Ready)
note = pathlib.Path(os.environ["DESKSTREAM_RUN_FILE"])
facts = {"pid": os.getpid(), "ops": f"http://127.0.0.1:{server.server_port}", "smtp": "127.0.0.1:2525"}
note.parent.mkdir(exist_ok=True)
note.with_suffix(".new").write_text(json.dumps(facts))
note.with_suffix(".new").replace(note)
signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
server.serve_forever()
"""
"""A service that serves at once and ends at SIGTERM."""

DEAF = SERVE.replace("lambda *_: sys.exit(0)", "signal.SIG_IGN")
"""A service that does not listen to SIGTERM."""


def toy(name: str, program: str = SERVE, needs: tuple[str, ...] = ()) -> Service:
    """A service that runs this Python program."""
    return Service(name, (sys.executable, "-c", program), needs=needs)


async def keep_toys(folder: Path, services: tuple[Service, ...], then: Callable[[Supervisor], None]) -> None:
    """Keep the toys until SIGTERM, calling `then` once all serve."""
    ended = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, ended.set)
    supervisor = Supervisor(folder / "logs", lambda: record_children(folder, supervisor.pids))
    for service in services:
        supervisor.keep(service_part(service, folder))
    for service in services:
        await supervisor.serving(service.name)
    then(supervisor)
    await ended.wait()
    await supervisor.stop(supervisor.parts, grace=2.0)


def main() -> int:
    """Print the pids of the toys as a JSON line once they serve."""
    folder = Path(sys.argv[1])
    try:
        with hold(folder):
            clear_leftovers(folder)
            toys = (toy("first"), toy("second", DEAF, needs=("first",)))
            asyncio.run(keep_toys(folder, toys, lambda kept: print(json.dumps(kept.pids), flush=True)))
    except FolderHeld as error:
        print(error, flush=True)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
