"""What may happen to a proposal and its money, and what it means. Plain Python: no I/O, no clock, no randomness."""
