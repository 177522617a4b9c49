"""From a reply to the bytes that leave: what both mail senders do first."""

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.reply import Reply
from ingest.contract import Refused
from ingest.mail_message import Mail, compose

MAX_ATTACHED = 25 * 1024 * 1024
"""More than this no mail server takes."""


async def outgoing_mail(reply: Reply, own: str, blobs: BlobStore) -> Mail:
    """The mail, its attachments fetched. Raises Refused, and Retryable when the blob store is not there."""
    if not reply.attachments:
        return compose(reply, own)
    size = sum(attachment.size for attachment in reply.attachments)
    if size > MAX_ATTACHED:
        raise Refused(f"attachments of {size} bytes are too large for a mail")
    try:
        files = [await blobs.get(attachment.blob) for attachment in reply.attachments]
    except Invalid as error:
        raise Refused(str(error)) from error
    return compose(reply, own, files)
