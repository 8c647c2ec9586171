"""What a generator's file tells of itself, so that nobody has to repeat flags of its training."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping

FILE = "description.json"  # its name inside a .keras file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Description:
    """All that is needed to use a generator, and where it comes from.

    Attributes:
        direction: "AtoB" or "BtoA".
        source: name of the domain that it translates, such as "horse".
        target: name of the domain that it translates to.
        input_channels: of the pictures, 1 for grey, 3 for RGB.
        output_channels: of the translations.
        value_range: (low, high) of both, as the network sees them.
        bit_depth: bits a channel of the pictures that it was trained on, 8 or 16.
        size_multiple: height and width must be multiples of it.
        smallest_size: the least height and width in pixels.
        norm: its normalisation.
        step: training steps behind it; None where that is not known.
        training: method, options, data and versions of its training; empty where not known.

    Raises:
        ValueError: a direction or a bit depth that does not exist.
    """

    direction: str = "AtoB"
    source: str = "A"
    target: str = "B"
    input_channels: int = 3
    output_channels: int = 3
    value_range: tuple[float, float] = (-1.0, 1.0)
    bit_depth: int = 8
    size_multiple: int = 1
    smallest_size: int = 1
    norm: str | None = None
    step: int | None = None
    training: Mapping[str, object] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.direction not in ("AtoB", "BtoA"):
            raise ValueError(
                f"`direction` must be AtoB or BtoA. Received: direction={self.direction!r}"
            )
        if self.bit_depth not in (8, 16):
            raise ValueError(f"`bit_depth` must be 8 or 16. Received: bit_depth={self.bit_depth!r}")
        object.__setattr__(self, "value_range", tuple(self.value_range))

    @classmethod
    def of(cls, network, **told) -> "Description":
        """Describes `network` as far as it shows by itself; `told` adds or replaces fields."""
        seen = {
            "input_channels": network.input_shape[-1],
            "output_channels": network.output_shape[-1],
            "size_multiple": network.size_multiple,
            "smallest_size": network.smallest_size,
            "norm": network.get_config().get("norm"),
        }
        return cls(**{**seen, **told})

    @classmethod
    def of_run(
        cls,
        network,
        role: str,
        *,
        options: Mapping[str, object],
        facts: Mapping[str, object],
        step: int,
    ) -> "Description":
        """Describes a generator that a run has trained.

        Args:
            network: the generator.
            role: "generator_g", from x to y, or "generator_f", from y to x.
            options: the run's options.json.
            facts: its facts.json: "domains", the names of x and y, "data" and "versions".
            step: of training.
        """
        ways = ("AtoB", "BtoA") if options.get("direction") != "BtoA" else ("BtoA", "AtoB")
        names = facts.get("domains") or ["A", "B"][:: 1 if ways[0] == "AtoB" else -1]
        order = 1 if role == "generator_g" else -1
        source, target = names[::order]
        told = {"data": facts.get("data", {}), "versions": facts.get("versions", {})}
        return cls.of(
            network,
            direction=ways[::order][0],
            source=source,
            target=target,
            step=step,
            training={"options": dict(options), **told},
        )

    @classmethod
    def from_dict(cls, told: Mapping[str, object]) -> "Description":
        """Reads what `to_dict` returned; fields of later versions are passed over."""
        names = {field.name for field in dataclasses.fields(cls)}
        return cls(**{name: value for name, value in told.items() if name in names})

    def to_dict(self) -> dict[str, object]:
        """Returns what JSON can hold."""
        return {**dataclasses.asdict(self), "value_range": list(self.value_range)}

    @property
    def words(self) -> str:
        """The direction in words, such as "horse to zebra"."""
        return f"{self.source} to {self.target}"


class Described:
    """Makes a network's description travel with it through `.keras` files.

    Keras asks every model for its assets when it is saved, and gives them back on loading.
    """

    _description = None

    @property
    def description(self) -> Description:
        """What the network tells of itself."""
        return self._description or Description.of(self)

    @description.setter
    def description(self, description: Description) -> None:
        self._description = description

    def save_assets(self, dir_path) -> None:
        """Writes the description into a file that is being saved."""
        text = json.dumps(self.description.to_dict(), indent=2)
        pathlib.Path(dir_path, FILE).write_text(text + "\n")

    def load_assets(self, dir_path) -> None:
        """Reads the description out of a file; older files have none."""
        path = pathlib.Path(dir_path or ".", FILE)
        if dir_path and path.is_file():
            self._description = Description.from_dict(json.loads(path.read_text()))
