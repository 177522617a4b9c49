"""What agents do to tickets."""
