import tensorflow as tf

from cyclegan_keras.tracking.tensorboard import TensorBoard


def test_a_sentence_about_the_run_is_in_its_first_file_alone(tmp_path):
    for step in (1, 2):
        with TensorBoard(tmp_path) as tracker:
            tracker.about("data/tiny", "3 pictures are tiny.")
            tracker.scalars(step, {"loss": 1.0})
    tags = [
        value.tag
        for path in sorted(tmp_path.iterdir())
        for event in tf.compat.v1.train.summary_iterator(str(path))
        for value in event.summary.value
    ]
    assert sorted(tags) == ["data/tiny", "loss", "loss"]
