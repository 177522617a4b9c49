"""The system account PostgreSQL runs as when we are root, which it refuses to be."""

import os
import pwd
import shutil
import stat
import subprocess
from pathlib import Path

from deploy.supervise.child import Account

NAME = "pgserver"


def unprivileged() -> Account | None:
    """The account to drop to; None when this process is not root. Creates a system account the first time."""
    if os.geteuid() != 0:
        return None
    try:
        entry = pwd.getpwnam(NAME)
    except KeyError:
        entry = _create()
    return Account(entry.pw_uid, entry.pw_gid)


def admit(account: Account, folder: Path) -> None:
    """Let `account` pass through `folder` and the folders above it: nothing more than passing (search, not list)."""
    resolved = folder.resolve()
    for place in (resolved, *resolved.parents):
        found = place.stat()
        if found.st_uid != account.uid and not found.st_mode & stat.S_IXOTH:
            place.chmod(stat.S_IMODE(found.st_mode) | stat.S_IXOTH)


def _create() -> pwd.struct_passwd:
    tool = shutil.which("useradd") or "/usr/sbin/useradd"
    try:
        subprocess.run(  # noqa: S603 - fixed words
            (tool, "--system", "--no-create-home", "--shell", "/usr/sbin/nologin", NAME),
            check=True,
            capture_output=True,
        )
        return pwd.getpwnam(NAME)
    except (OSError, subprocess.CalledProcessError, KeyError):
        return pwd.getpwnam("nobody")  # small images have no useradd
