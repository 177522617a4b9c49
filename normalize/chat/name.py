"""Name and version of this normalizer, and how it marks what machines write."""

from bus.message import Automation

NORMALIZER = "chat/2"
BOT = Automation(kind="system", reason="author:bot")
