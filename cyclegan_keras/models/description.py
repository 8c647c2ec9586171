"""The description that a generator's file holds, so that nobody repeats flags of its training."""

import dataclasses
import json
import pathlib
from collections.abc import Mapping
from typing import Any

from cyclegan_keras.files.direction import Direction
from cyclegan_keras.files.paths import without_folders
from cyclegan_keras.images.form import Form
from cyclegan_keras.images.values import EIGHT_BIT, Values

FILE = "description.json"  # its name inside a .keras file


@dataclasses.dataclass(frozen=True, kw_only=True)
class Description:
    """All that is needed to use a generator, and where it comes from.

    Attributes:
        direction: which way it translates; given as a `Direction` or as "AtoB" or "BtoA".
        source: name of the domain that it translates, such as "horse".
        target: name of the domain that it translates to.
        input_channels: of the pictures, 1 for gray, 3 for RGB.
        output_channels: of the translations.
        value_range: (low, high) of both, as the network sees them.
        bit_depth: bits a channel of the pictures that it was trained on, 8 or 16; 16 for all
            deeper ones, whose numbers `source_values` and `target_values` tell.
        source_values: what the numbers in pictures to translate mean.
        target_values: what the numbers in translations mean.
        reader_version: of the rules by which pictures are read, see `images.reading`; 1 for files
            that do not say.
        size_multiple: height and width must be multiples of it.
        smallest_size: the least height and width in pixels.
        norm: its normalization.
        step: training steps behind it; None where that is not known.
        training: method, options, data and versions of its training; empty where not known.

    Raises:
        ValueError: a direction or a bit depth that does not exist.
    """

    direction: Direction = Direction.A_TO_B
    source: str = "A"
    target: str = "B"
    input_channels: int = 3
    output_channels: int = 3
    value_range: tuple[float, float] = (-1.0, 1.0)
    bit_depth: int = 8
    source_values: Values = EIGHT_BIT
    target_values: Values = EIGHT_BIT
    reader_version: int = 1
    size_multiple: int = 1
    smallest_size: int = 1
    norm: str | None = None
    step: int | None = None
    training: Mapping[str, Any] = dataclasses.field(default_factory=dict)

    def __post_init__(self):
        if self.direction not in list(Direction):
            raise ValueError(
                f"`direction` must be AtoB or BtoA. Received: direction={self.direction!r}"
            )
        if self.bit_depth not in (8, 16):
            raise ValueError(f"`bit_depth` must be 8 or 16. Received: bit_depth={self.bit_depth!r}")
        # The class is frozen; JSON gives a string and a list.
        object.__setattr__(self, "direction", Direction(self.direction))
        object.__setattr__(self, "value_range", tuple(self.value_range))
        for name in ("source_values", "target_values"):
            if isinstance(vars(self)[name], Mapping):
                object.__setattr__(self, name, Values.from_dict(vars(self)[name]))

    @classmethod
    def of(cls, network, **known) -> "Description":
        """Describes a generator by its own attributes.

        Args:
            network: the generator.
            **known: fields that the network does not have, or that replace its own.
        """
        fields = {
            "input_channels": network.input_shape[-1],
            "output_channels": network.output_shape[-1],
            "size_multiple": network.size_multiple,
            "smallest_size": network.smallest_size,
            "norm": network.get_config().get("norm"),
        }
        fields.update(known)
        return cls(**fields)

    @classmethod
    def of_run(
        cls,
        network,
        role: str,
        *,
        options: Mapping[str, Any],
        facts: Mapping[str, Any],
        step: int,
    ) -> "Description":
        """Describes a generator that a run has trained.

        Args:
            network: the generator.
            role: "generator_g", from x to y, or "generator_f", from y to x.
            options: the run's options.json.
            facts: its facts.json: "domains", the names of x and y, "values", what the numbers in
                pictures of A and of B mean, "data" and "versions"; of a compression also
                "compressed_from", what was compressed; of a training that began with networks of
                the Hub also "initialized_from", their addresses with commits.
            step: of training.
        """
        x_to_y = Direction(options.get("direction") or Direction.A_TO_B)
        x_name, y_name = facts.get("domains") or (x_to_y.source, x_to_y.target)
        source, target = (x_name, y_name) if role == "generator_g" else (y_name, x_name)
        direction = x_to_y.of_generator(role)
        values = {}
        for domain in ("A", "B"):
            fields = facts.get("values", {}).get(domain)
            values[domain] = Values.from_dict(fields) if fields else EIGHT_BIT
        training = {
            "options": dict(options),
            "data": facts.get("data", {}),
            "versions": facts.get("versions", {}),
        }
        if "compressed_from" in facts:
            training["compressed_from"] = facts["compressed_from"]
        if "initialized_from" in facts:
            training["initialized_from"] = facts["initialized_from"]
        are_eight_bit = all(each.is_eight_bit for each in values.values())
        return cls.of(
            network,
            direction=direction,
            source=source,
            target=target,
            bit_depth=8 if are_eight_bit else 16,
            source_values=values[direction.source],
            target_values=values[direction.target],
            reader_version=options.get("reader_version") or 1,
            step=step,
            training=training,
        )

    @classmethod
    def from_dict(cls, fields: Mapping[str, Any]) -> "Description":
        """Reads what `to_dict` returned; fields of later versions are ignored."""
        names = [field.name for field in dataclasses.fields(cls)]
        return cls(**{name: fields[name] for name in names if name in fields})

    def to_dict(self) -> dict[str, Any]:
        """Returns the fields as JSON can hold them."""
        fields = dataclasses.asdict(self)
        fields["direction"] = str(self.direction)
        fields["value_range"] = list(self.value_range)
        return fields

    def to_public_dict(self) -> dict[str, Any]:
        """Returns the same for files that others are given.

        Paths of the training are cut to their last part: nobody else need know where things lie on
        this machine.
        """
        fields = self.to_dict()
        fields["training"] = without_folders(fields["training"])
        return fields

    @property
    def source_form(self) -> Form:
        """The form of pictures to translate."""
        return Form(channels=self.input_channels, values=self.source_values)

    @property
    def target_form(self) -> Form:
        """The form of translations."""
        return Form(channels=self.output_channels, values=self.target_values)

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
        """The description that came with the network's file, or else one of its attributes."""
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


def describe(network) -> str:
    """Returns a network's class, arguments and number of parameters in one line.

    Args:
        network: a generator or discriminator of this package.
    """
    config = network.get_config()
    arguments = [
        f"{name}={value!r}"
        for name, value in config.items()
        if name not in ("init_type", "init_gain", "name")
    ]
    parameters = f"{network.count_params():,} parameters"
    return f"{type(network).__name__}({', '.join(arguments)}), {parameters}"
