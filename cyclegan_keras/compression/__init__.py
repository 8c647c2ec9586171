"""Smaller generators that imitate larger ones, for a budget of kilobytes, time or arithmetic."""
