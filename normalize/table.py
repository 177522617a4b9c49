"""Which normalizer reads which channel."""

from collections.abc import Mapping

from bus.message import Channel
from normalize.chat.normalize import normalize_chat
from normalize.facebook.normalize import normalize_facebook
from normalize.forms.submission import normalize_form
from normalize.forum.normalize import normalize_forum
from normalize.mail import normalize_mail
from normalize.outcome import Normalize
from normalize.phone.normalize import normalize_phone
from normalize.x.normalize import normalize_x

NORMALIZERS: Mapping[Channel, Normalize] = {
    "email": normalize_mail,
    "website": normalize_form,
    "web_form": normalize_form,
    "phone": normalize_phone,
    "chat": normalize_chat,
    "forum": normalize_forum,
    "x": normalize_x,
    "facebook": normalize_facebook,
}
