"""The training doctor: looks for known failures while a training runs, and says what helps."""
