"""Groups pictures of one shape, so that a network takes several of them at once."""

from collections.abc import Callable, Iterable, Iterator
from typing import TypeVar

Item = TypeVar("Item")


def batches_by_shape(
    items: Iterable[Item],
    *,
    shape: Callable[[Item], tuple[int, ...]],
    limit: Callable[[Item], int],
    most_shapes: int = 1,
) -> Iterator[list[Item]]:
    """Yields lists of items of one shape; which go together depends on their order alone.

    Args:
        items: what to group; they are consumed one by one.
        shape: returns the shape of an item.
        limit: returns how many items of the shape of this item make a full batch.
        most_shapes: how many shapes may wait for further items. When another one arrives, the
            batch that has waited longest is yielded as it is. With 1, and a limit of at least 2,
            the order of the items stays.

    Example:
        >>> lengths = batches_by_shape(
        ...     ["a", "b", "ccc", "d"], shape=lambda word: (len(word),), limit=lambda word: 2
        ... )
        >>> list(lengths)
        [['a', 'b'], ['ccc'], ['d']]
    """
    waiting: dict[tuple[int, ...], list[Item]] = {}
    for item in items:
        key = shape(item)
        waiting.setdefault(key, []).append(item)
        if len(waiting[key]) >= limit(item):
            yield waiting.pop(key)
        elif len(waiting) > most_shapes:
            longest_waiting = next(iter(waiting))
            yield waiting.pop(longest_waiting)
    yield from waiting.values()
