"""A page that runs exported generators in a visitor's browser."""
