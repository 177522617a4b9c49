"""Pictures and films of a post."""

from collections.abc import Iterable

from normalize.payload.fields import Fields
from normalize.payload.media import Remote

_TYPES = {"photo": "image/jpeg", "video": "video/mp4", "animated_gif": "video/mp4"}


def media_v1(*entities: Fields) -> list[Remote]:
    """Of the first of these entities that has media (extended ones say more: all pictures, and the films)."""
    for each in entities:
        found = each.objects("media")
        if found:
            return [remote for media in found if (remote := _remote(media)) is not None]
    return []


def media_links_v1(*entities: Fields) -> list[str]:
    """The t.co links in the text that stand for media."""
    return [link for each in entities for media in each.objects("media") if (link := media.line("url"))]


def media_v2(keys: Iterable[str], includes: Fields) -> list[Remote]:
    """Of `attachments.media_keys`, resolved by `includes.media`; a key that is not resolved is its own source."""
    known = {media.id("media_key"): media for media in includes.objects("media")}
    found = []
    for key in keys:
        remote = _remote(known.get(key, Fields()))
        found.append(remote or Remote(f"x:{key}", kind="media"))
    return found


def media_links_v2(entities: Fields) -> list[str]:
    """Links that lead to the post's own media carry its `media_key`."""
    return [link.line("url") for link in entities.objects("urls") if "media_key" in link and link.line("url")]


def _remote(media: Fields) -> Remote | None:
    kind = media.line("type")
    film = _best(media.object("video_info").objects("variants") or media.objects("variants"))
    if film is not None:
        return film
    source = media.line("media_url_https", "url", "media_url", "preview_image_url")
    if not source.startswith(("https://", "http://")) or source.startswith("https://t.co/"):
        return None
    # of a film without variants there is only a picture
    return Remote(source, media_type="" if kind in _TYPES else _TYPES["photo"], kind=kind or "photo")


def _best(variants: list[Fields]) -> Remote | None:
    films = [each for each in variants if each.line("content_type") == "video/mp4" and each.line("url")]
    if not films:
        return None
    best = max(films, key=lambda each: each.number("bitrate", "bit_rate") or 0)
    return Remote(best.line("url"), media_type="video/mp4", kind="video")
