"""Bytes of a channel in, `NormalizedMessage` out; pure.

A `Normalize` (normalize/outcome.py) takes a raw record and its payload, already fetched from the blob store when it
is large, and returns what it understood: messages with the bytes to store before they are published, or the
reasons why there is nothing to file. It raises `bus.errors.Invalid` only when not even a message that says
"unparseable message" can be made. `normalize/table.py` maps each channel to its `Normalize`.
"""
