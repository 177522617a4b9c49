"""Which addresses are the desk's own."""

from collections.abc import Iterator

from bus.settings import Settings


def own_addresses(settings: Settings) -> Iterator[str]:
    """What our connectors call their own, by the two keys by which they do."""
    for section in settings.connectors.values():
        named = section.get("addresses", [])
        yield from (each for each in (*named, section.get("address")) if isinstance(each, str))
