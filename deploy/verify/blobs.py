"""Every blob that a record or a message names is there, whole."""

from collections.abc import Iterator

from pydantic import ValidationError
from pydantic_core import from_json

from bus.blobs import BlobStore
from bus.errors import Invalid
from bus.raw import RawMessage
from deploy.verify.check import Check, check
from deploy.verify.world import World


async def blobs(world: World, store: BlobStore) -> tuple[Check, int]:
    """The check, and how many blobs are referenced."""
    wanted = dict.fromkeys(_referenced(world))
    findings = []
    for name in wanted:
        try:
            await store.get(name)
        except Invalid as error:
            findings.append(str(error))
    return check("every referenced blob is there, unaltered", findings), len(wanted)


def _referenced(world: World) -> Iterator[str]:
    for record in world.raw.values():
        # a payload of this length is inline; only short values can be references
        if record.value and b'"blob"' in record.value[:4_096]:
            try:
                payload = RawMessage.from_json(record.value).payload
            except ValidationError:
                continue  # no record of ours: it is among the dead letters
            if hasattr(payload, "blob"):
                yield payload.blob
    for row in world.rows["messages"]:
        document = from_json(row.document)
        for field in ("text", "reply_text", "html"):
            if isinstance(document.get(field), dict):
                yield document[field]["blob"]
        yield from (file["blob"] for file in document.get("attachments", ()) if file.get("blob"))
