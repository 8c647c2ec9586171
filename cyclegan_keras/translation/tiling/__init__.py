"""Exact translation of a large picture in tiles, within bounded memory."""
