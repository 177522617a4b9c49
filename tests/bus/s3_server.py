"""A real S3 server (SeaweedFS) on this machine."""

import json
import shutil
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.error import URLError
from urllib.request import urlopen

from bus.blob_settings import BlobSettings
from deploy.embedded import ports
from deploy.supervise.child import Command, kill_group, spawn

KEY, SECRET = "desk-key", "desk-secret-0123456789"


@dataclass(frozen=True)
class S3Server:
    """`endpoint`: http://host:port. One bucket, `desk`, for KEY and SECRET."""

    endpoint: str

    def settings(self, url: str = "s3://desk", **more: object) -> BlobSettings:
        """How to reach it."""
        given = {"url": url, "endpoint": self.endpoint, "access_key_id": KEY, "secret_access_key": SECRET}
        return BlobSettings.model_validate(given | more)


@contextmanager
def s3_server(folder: Path) -> Iterator[S3Server]:
    """Started in `folder`, ended when left."""
    program = shutil.which("weed", path=str(Path(sys.executable).parent))
    assert program, "the development environment has no weed; run `make env`"
    master, volume, filer, s3, *grpc = ports.take(8)
    (folder / "s3.json").write_text(
        json.dumps(
            {
                "identities": [
                    {
                        "name": "desk",
                        "credentials": [{"accessKey": KEY, "secretKey": SECRET}],
                        "actions": ["Admin", "Read", "Write", "List", "Tagging"],
                    }
                ]
            }
        )
    )
    command = Command(
        (
            *(program, "mini", f"-dir={folder}", "-ip=127.0.0.1", "-ip.bind=127.0.0.1", "-bucket=desk"),
            *(f"-master.port={master}", f"-volume.port={volume}", f"-filer.port={filer}", f"-s3.port={s3}"),
            *(f"-master.port.grpc={grpc[0]}", f"-volume.port.grpc={grpc[1]}"),
            *(f"-filer.port.grpc={grpc[2]}", f"-s3.port.grpc={grpc[3]}"),
            *(f"-s3.config={folder / 's3.json'}", "-s3.port.iceberg=0", "-webdav=false", "-admin.ui=false"),
        ),
        cwd=folder,
    )
    process = spawn(command, folder / "out")
    try:
        endpoint = f"http://127.0.0.1:{s3}"
        deadline = time.monotonic() + 90
        while not _ready(endpoint, folder / "out"):
            assert process.poll() is None, (folder / "out").read_text()[-4_000:]
            assert time.monotonic() < deadline, (folder / "out").read_text()[-4_000:]
            time.sleep(0.1)
        yield S3Server(endpoint)
    finally:
        process.terminate()
        kill_group(process.pid)


def _ready(endpoint: str, out: Path) -> bool:
    try:
        with urlopen(f"{endpoint}/status", timeout=2) as answer:
            return bool(answer.status == 200)
    except (URLError, OSError):
        return False
