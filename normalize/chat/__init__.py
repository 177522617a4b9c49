"""Chat: our own window on the website, Telegram, SMS and WhatsApp by Twilio, Slack, Webex.

`provider_thread` is the conversation: the chat's session, Telegram's chat, the two numbers, Slack's thread or direct
channel, Webex's thread or direct room. Ids that are unique only within a conversation carry it in front. All of it
is private but for what stands in a public Telegram channel. What other bots write has the automation kind `system`.
"""
