"""How connectors are set up for an X account or a Facebook page that is served here, and what X costs there."""

from typing import Any

from tests.providers.facebook import APP_SECRET, PAGE, TOKEN, VERIFY, Facebook
from tests.providers.x import KEYS, NAME, OWN, X

ENDLESS = "1000000"
PRICES = {"post_read": "0.10", "user_read": "0.20", "post_written": "1", "post_with_link": "3"}


def x_settings(api: X, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any setting
    """With the webhook, and money without end."""
    return {
        "user_id": OWN, "username": f"@{NAME}", "consumer_key": KEYS[0], "consumer_secret": KEYS[1],
        "access_token": KEYS[2], "access_token_secret": KEYS[3], "webhook": True, "monthly_budget": ENDLESS,
        "api_url": api.url, "poll_every": 0.01, "slowest": 0.05, **more,
    }  # fmt: skip


def facebook_settings(page: Facebook, **more: Any) -> dict[str, Any]:  # noqa: ANN401  # any setting
    """With the webhook; `app_id` is left out."""
    return {
        "page_id": PAGE, "page_token": TOKEN, "app_secret": APP_SECRET, "verify_token": VERIFY, "graph_url": page.url,
        "poll_every": 0.01, **more,
    }  # fmt: skip
