"""What the processes of a fleet share: tokens, locks, and permits under the rate limits."""
