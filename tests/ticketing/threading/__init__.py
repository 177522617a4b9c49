"""Threads: that they converge, who joins them, what cuts them apart, and how tokens speak."""
