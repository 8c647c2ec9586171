"""One HTML page that shows how well a model translates: measures, pictures and loss curves."""
