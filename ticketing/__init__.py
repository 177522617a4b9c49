"""Matching messages to tickets, filing them, confirming, and telling the world."""
