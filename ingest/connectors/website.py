"""`website`: tickets submitted on help-centre pages of our own, and by the company's own site and servers."""

from collections.abc import Sequence

from bus.raw import RawMessage
from ingest.contract import Connector, Place
from ingest.forms.settings import FormSettings
from ingest.intake.route import Route


class WebsiteSettings(FormSettings):
    """`[connectors.NAME]` with `type = "website"`. `allowed_origins`: sites whose scripts may post to `/tickets`."""


def reference_key(raw: RawMessage) -> str:
    """The key of a submission's record: what is sent twice lies on one partition, in order."""
    return raw.headers.get(":reference", "")


def _web(settings: WebsiteSettings, place: Place) -> Sequence[Route]:
    from ingest.forms.mounting import form_routes

    routes = form_routes(settings, place, "website", settings.form(place.name))
    return [*routes.page(), routes.api("/tickets")]


WEBSITE = Connector(name="website", channel="website", settings=WebsiteSettings, raw_key=reference_key, web=_web)
