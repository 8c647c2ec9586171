"""The process that measures one training; `planning.measuring.measure` starts it."""

from cyclegan_keras.planning.measuring import answer_requests

if __name__ == "__main__":
    answer_requests()
