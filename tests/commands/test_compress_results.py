import types

import pytest

from cyclegan_keras.commands.compress_results import part_to_judge


@pytest.mark.parametrize(
    ("gan", "eval_every", "folder", "part"),
    [
        (False, None, None, "all"),
        (True, None, None, "held_out"),
        (False, 500, None, "held_out"),
        (False, 500, "photos", "all"),  # the training of the teacher knew nothing of these
    ],
)
def test_pictures_that_chose_weights_do_not_judge_them(gan, eval_every, folder, part):
    setup = types.SimpleNamespace(
        options={
            "compression": types.SimpleNamespace(gan=gan),
            "pictures": types.SimpleNamespace(pictures=folder),
        },
        teachers=types.SimpleNamespace(trained_with={"eval_every": eval_every}),
    )
    assert part_to_judge(setup) == part
