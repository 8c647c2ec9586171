"""Translating millions of pictures by many workers on Apache Beam; an optional extra."""
