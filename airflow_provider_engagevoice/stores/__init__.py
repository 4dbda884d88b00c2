"""What the processes of a fleet share: tokens, whose turn it is, and how many requests were sent."""
