"""What the HTML pages of this package share: the report and the page that runs a generator."""
