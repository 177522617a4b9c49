"""Telling agents by mail what has become theirs to do: gathered from events, grouped, never in a loop."""
