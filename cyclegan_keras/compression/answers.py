"""What a teacher answers to crops: a pure function of the crop's number, kept where there is room.

Only answers to the very crops that a student sees will do. A teacher's answer to a mirrored or
moved picture is not its answer mirrored or moved: the two agree to 26 dB only.
"""

from collections.abc import Callable

import numpy as np

from cyclegan_keras.compression.answer_cache import AnswerCache, AnswerShape

# float32 pictures (n, height, width, channels) in [-1, 1] -> translations, likewise
Teacher = Callable[[np.ndarray], np.ndarray]


class Answers:
    """The answers of one teacher in one direction.

    They are rounded to float16 whether they are kept or not, so that a cache changes nothing.

    Args:
        teacher: translates a batch, for example `network.predict_on_batch`.
        shape: (height, width, channels) of every answer.
        at_once: pictures that the teacher is given together. The last bits of a translation may
            depend on the others in its batch: with 1 an answer follows from its crop alone. Larger
            ones suit accelerators.
        cache: where answers are kept; None: nowhere.
    """

    def __init__(
        self,
        teacher: Teacher,
        shape: AnswerShape,
        *,
        at_once: int = 1,
        cache: AnswerCache | None = None,
    ):
        self.shape = tuple(shape)
        self._teacher = teacher
        self._at_once = at_once
        self._cache = cache

    def __call__(self, numbers: np.ndarray, pictures: np.ndarray) -> np.ndarray:
        """Returns the teacher's translations of numbered crops.

        Args:
            numbers: int64 (n,), of the crops.
            pictures: float32 (n, height, width, channels) in [-1, 1], the crops.

        Returns:
            float32 (n, height, width, channels), the values of which float16 can hold.

        Raises:
            WriteError: the cache cannot be written.
        """
        answers: list[np.ndarray | None] = [
            self._kept(int(number), picture)
            for number, picture in zip(numbers, pictures, strict=True)
        ]
        missing = [place for place, answer in enumerate(answers) if answer is None]
        for start in range(0, len(missing), self._at_once):
            places = missing[start : start + self._at_once]
            asked = np.asarray(self._teacher(pictures[places])).astype(np.float16)
            for place, answer in zip(places, asked, strict=True):
                answers[place] = answer
                if self._cache is not None:
                    self._cache.put(int(numbers[place]), pictures[place], answer)
        return np.stack(answers).astype(np.float32)

    def _kept(self, number: int, picture: np.ndarray) -> np.ndarray | None:
        return None if self._cache is None else self._cache.get(number, picture)
