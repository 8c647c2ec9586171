"""Smaller generators for a budget of size, time or work, learned from a trained one."""
