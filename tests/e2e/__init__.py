"""The whole of Deskstream, run as a user runs it."""
