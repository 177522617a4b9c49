"""The configuration `up` writes when there is none: mail and forms on this machine, and nothing leaves it."""

from pathlib import Path

from bus.settings import config_file
from bus.whole_file import write_atomically

STARTER = """\
# Deskstream's settings. Every key may also come from the environment, two underscores between levels:
# DESKSTREAM_DESK__NAME="Example Support". Unknown keys are errors. Secrets may come from files: KEY_file = "path".

[desk]
name = "Support"
domain = "desk.example"        # the right side of our Message-IDs
language = "en"                # of confirmations when the customer's is not known: en fr nl pt ja
confirm = true                 # confirm every new ticket to the person who wrote
# who mails the answers of what has no way back, and of a chat whose visitor has gone
reply_via = { website = "support-mail", web_form = "support-mail", chat = "support-mail" }

# Pages and forms for customers, at http://127.0.0.1:8701/in/help/ and http://127.0.0.1:8701/in/contact/
[connectors.help]
type = "website"

[connectors.contact]
type = "web_form"

# A chat window for pages that have <script async src="http://127.0.0.1:8701/in/chat/chat.js"></script>
# [connectors.chat]
# type = "chat"
# allowed_origins = ["https://www.example.com"]

# One section per connector: [connectors.NAME]. This one accepts mail for the addresses below on 127.0.0.1.
# As it is told of no SMTP server to send through, outgoing mail is written to outbox/*.eml beside this file.
[connectors.support-mail]
type = "email-smtp"
addresses = ["support@desk.example"]
host = "127.0.0.1"
port = 2525
"""


def ensure_config(folder: Path, chosen: Path | None) -> Path:
    """The configuration file in use, absolute; writes the commented default when there is none.

    Raises ConfigError when the one that was asked for does not exist.
    """
    found = config_file(chosen, folder)
    if found is None:
        found = folder / "deskstream.toml"
        write_atomically(found, STARTER.encode())
    return found.resolve()
