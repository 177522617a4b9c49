"""What the connectors of public providers (forum, phone, facebook, x) share: asking them, and being told by them."""
