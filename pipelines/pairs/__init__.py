"""Pairs of picture files: from two folders to pictures with A and B side by side, and back."""
