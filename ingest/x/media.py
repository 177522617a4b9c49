"""Which files an answer or a webhook of X names, by the names that the normalizer looks for."""

from collections.abc import Sequence
from typing import Any

from bus.errors import Invalid
from normalize.payload.fields import Fields
from normalize.x.media import media_v2
from normalize.x.posts_v1 import media_of_v1


def media_in(body: Any) -> Sequence[str]:  # noqa: ANN401  # JSON
    """Addresses of pictures and films, of API v2 and of the Account Activity API; none of lists beyond all bounds."""
    try:
        return _sources(Fields(body))
    except Invalid:
        return []


def _sources(fields: Fields) -> Sequence[str]:
    included = [fields.object("includes"), fields.object("data").object("includes")]
    found = [
        remote.source
        for includes in included
        for remote in media_v2([media.id("media_key") for media in includes.objects("media")], includes)
    ]
    found += [remote.source for post in fields.objects("tweet_create_events") for remote in media_of_v1(post)]
    return list(dict.fromkeys(found))
