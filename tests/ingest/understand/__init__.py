"""Understanding: the loop, its child process, and the parent that watches it."""
