"""Pairs of picture files: from two folders to pictures with A and B side by side, and back."""

from pipelines.pairs.side_by_side import combine, split

__all__ = ["combine", "split"]
