"""`web_form`: a contact or feedback form that a script puts into any page."""

from collections.abc import Sequence
from typing import Literal

from pydantic import Field

from ingest.connectors.website import reference_key
from ingest.contract import Connector, Place
from ingest.forms.settings import FormSettings
from ingest.intake.origins import Origin
from ingest.intake.route import Route


class WebFormSettings(FormSettings):
    """`[connectors.NAME]` with `type = "web_form"`."""

    fields: list[str] = Field(default=["name", "email", "text"], description="what is asked, in this order")
    allowed_origins: list[Origin] = Field(default=["*"], description="the sites that the form stands on")
    feedback: Literal["no", "choice", "only"] = Field(
        default="no",
        description="`no`; `choice`, a box to tick; or `only`: what comes is feedback, opens no ticket and waits for "
        "no answer",
    )


def _web(settings: WebFormSettings, place: Place) -> Sequence[Route]:
    from ingest.forms.mounting import form_routes

    routes = form_routes(settings, place, "web_form", settings.form(place.name, settings.feedback))
    return [*routes.page(), *routes.embedded()]


WEB_FORM = Connector(name="web_form", channel="web_form", settings=WebFormSettings, raw_key=reference_key, web=_web)
