"""Smaller generators that do what larger ones do, for a budget of size, time or work."""
