"""Measures of translations, each with an interval and with what real and copied pictures get."""
