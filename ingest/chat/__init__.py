"""Chat: our own window on the website, and Telegram, SMS by Twilio, Slack and Webex by webhook."""
