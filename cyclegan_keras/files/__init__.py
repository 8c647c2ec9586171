"""What every package shares: user errors, atomic writes, locks and digests."""
