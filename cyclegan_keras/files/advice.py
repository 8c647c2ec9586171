"""Advice that several parts of the program give, so that all of them give the same."""

# What to do about few pictures, as the end of a sentence that begins with them.
WITH_FEW_PICTURES = (
    "begin with a trained model by --init_from, next try --d_regularization=r1, and in long "
    "trainings --diff_augment (docs/methods.md#few-pictures)"
)
