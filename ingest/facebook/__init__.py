"""A Facebook page: webhooks of its feed, the poll that finds what they missed, and comments in answer."""
