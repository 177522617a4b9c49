"""X: mentions by poll and webhook, answers as posts, all of it within a monthly budget."""
