"""Trackers: where the curves, pictures and findings of a run are shown while it trains."""
