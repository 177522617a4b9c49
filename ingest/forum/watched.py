"""Which posts are meant for the desk. Pure."""

from collections.abc import Mapping
from typing import Any

from ingest.forum.settings import ForumSettings


def is_watched(post: Mapping[str, Any], settings: ForumSettings) -> bool:
    """By the post's category; a personal message has none."""
    if post.get("topic_archetype") == "private_message":
        return settings.private_messages
    return not settings.categories or post.get("category_id") in settings.categories
