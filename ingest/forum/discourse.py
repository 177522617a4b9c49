"""The forum's REST API, asked as the configured user."""

from ingest.forum.settings import ForumSettings
from ingest.providers.http import ProviderHttp


def discourse(settings: ForumSettings) -> ProviderHttp:
    """What is asked and how often is up to the caller."""
    return ProviderHttp(
        settings.url,
        headers={
            "Api-Key": settings.api_key.get_secret_value(),
            "Api-Username": settings.api_username,
            "Accept": "application/json",
        },
        timeout=settings.timeout,
    )
