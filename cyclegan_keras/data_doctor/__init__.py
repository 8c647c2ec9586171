"""Looks at pictures before a training: what is damaged, doubled, leaked, or unlike the others."""
