"""Which mails of a scripted server were taken, and which of them it shows as read."""

from tests.ingest.imap.mailbox_rig import Rig
from tests.ingest.imap.scripted_server import ScriptedImap


def numbers(rig: Rig) -> list[int]:
    """Of the mails that were taken, in order."""
    return [int(content.rpartition(b"text of ")[2]) for content in rig.contents]


def seen(server: ScriptedImap) -> list[int]:
    """UIDs of those that are marked."""
    return [uid for uid, one in server.mails.items() if r"\Seen" in one.flags]
