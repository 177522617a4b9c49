"""The figures of `make bench`: each beside its yardstick, measured in the same run."""
