"""One HTML page that shows how well a model translates: measures, pictures and loss curves."""

from cyclegan_keras.report.base import Example, Measure
from cyclegan_keras.report.page import write_report

__all__ = ["Example", "Measure", "write_report"]
