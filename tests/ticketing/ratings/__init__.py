"""How customers say how it was."""
