"""What agents do to tickets: each act one file, listed in `table.py`, performed by `perform.py` (docs/acts.md)."""
