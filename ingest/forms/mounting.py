"""A form's routes from its settings."""

from bus.message import Channel
from ingest.contract import Place
from ingest.forms.definition import Form
from ingest.forms.pages import Pages
from ingest.forms.routes import FormRoutes
from ingest.forms.settings import FormSettings
from ingest.forms.stamps import Stamps
from ingest.forms.submitting import Submitting
from ingest.intake.origins import Origins
from ingest.own_key import own_key


def form_routes(settings: FormSettings, place: Place, channel: Channel, form: Form) -> FormRoutes:
    """All that a form can be reached by; a connector takes of them what it has."""
    stamps = Stamps(own_key(settings.stamp_secret, place.data / "form-keys", place.name))
    return FormRoutes(
        submitting=Submitting(form, channel, place.name, stamps, settings.region),
        pages=Pages(form),
        stamps=stamps,
        max_body=settings.max_body,
        origins=Origins(settings.allowed_origins),
        framers=settings.allowed_origins,
        identity_secrets=settings.identity_secrets,
        default_language=settings.language,
    )
