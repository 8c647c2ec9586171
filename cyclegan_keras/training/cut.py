"""CUT and FastCUT: Contrastive Learning for Unpaired Image-to-Image Translation."""

import dataclasses
from collections.abc import Callable, Mapping, Sequence

import keras
from keras import ops

from cyclegan_keras.files.errors import TrainingError
from cyclegan_keras.losses import patch_nce
from cyclegan_keras.models.encoder import encoder_layers, encoder_names
from cyclegan_keras.models.options import NetworkOptions
from cyclegan_keras.models.patch_mlp import PatchMLP
from cyclegan_keras.models.table import build_discriminator, build_generator
from cyclegan_keras.training.adversarial import (
    SEEN_BY_DISCRIMINATORS,
    SEEN_BY_GENERATORS,
    AdversarialTrainer,
)
from cyclegan_keras.training.gradient_steps import Loss
from cyclegan_keras.training.options import CUTOptions

NCE_LAYERS = (0, 4, 8, 12, 16)  # the paper's


class CUT(AdversarialTrainer):
    """Learns G: X -> Y from unpaired pictures, one way, without a way back.

    A translation stays like its input because each of its patches must be recognizable as the one
    at the same position among the patches of the input. Patches are compared by the maps of the
    generator's own encoder. The objective (section 3 of the paper) of the generator is, in the
    paper's letters,

        L_GAN(G, D) + lambda / 2 (L_PatchNCE(G, H, X) + L_PatchNCE(G, H, Y))

    where the term of Y, the identity, compares G(y) with y; without it, lambda L_PatchNCE(G, H, X).
    (The paper writes no 1/2, its reference implementation has it.) As there, the discriminator
    learns first, half the sum of its losses on real and on translated pictures, and the generator
    and H then answer to the updated one.

    A batch is {"x", "y"}, each (batch, height, width, channels) in [-1, 1]. Where x and y differ in
    channels, the encoder sees translations with the channels of x (`adapt_channels`), and there can
    be no identity.

    Args:
        generator_g: G, X -> Y, a `ResNetGenerator`.
        discriminator_y: D, which distinguishes y from G(x).
        patch_mlp: H.
        nce_layers: which maps of the generator are compared; see `models.encoder_layers`.
        gan_mode: `"lsgan"`, `"vanilla"`, `"hinge"` or `"wgangp"`.
        lambda_nce: weight of the contrastive terms; 1 for CUT, 10 for FastCUT.
        nce_identity: whether G(y) is compared with y; not in FastCUT.
        flip_equivariance: mirror half of the batches, drawn at random, before they are translated,
            and the maps of the translation back; in FastCUT.
        n_patches: positions that are compared in each map, or all where a map has fewer; the same
            ones for the terms of X and of Y.
        nce_temperature: tau.
        nce_all_negatives: take negatives from all pictures of a batch.
        lambda_penalty: weight of the gradient penalty, used by `"wgangp"` alone.
        diff_augment: what is changed at random in all that discriminators see, see
            `AdversarialTrainer`.
        d_regularization: `"r1"` for a penalty of the discriminators' slope at real pictures.
        lambda_r1: weight of that penalty.
        ema_decay: decay of the moving average of the generator, 0 for none.
        seed: of positions, mirroring, the gradient penalty and what `diff_augment` changes.
        name: of the model.

    Raises:
        ValueError: the generator has no such maps.

    Reference: https://arxiv.org/abs/2007.15651
    """

    def __init__(
        self,
        generator_g: keras.Model,
        discriminator_y: keras.Model,
        patch_mlp: keras.Model,
        *,
        nce_layers: Sequence[int] = NCE_LAYERS,
        gan_mode: str = "lsgan",
        lambda_nce: float = 1.0,
        nce_identity: bool = True,
        flip_equivariance: bool = False,
        n_patches: int = 256,
        nce_temperature: float = 0.07,
        nce_all_negatives: bool = False,
        lambda_penalty: float = 10.0,
        diff_augment: str = "none",
        d_regularization: str = "none",
        lambda_r1: float = 0.1,
        ema_decay: float = 0.0,
        seed: int = 0,
        name: str = "cut",
    ):
        if nce_identity:
            weights = {"g_adversarial": 1.0, "nce_x": lambda_nce / 2, "nce_y": lambda_nce / 2}
        else:
            weights = {"g_adversarial": 1.0, "nce_x": lambda_nce}
        super().__init__(
            networks={
                "generator_g": generator_g,
                "patch_mlp": patch_mlp,
                "discriminator_y": discriminator_y,
            },
            translators={"x_to_y": "generator_g"},
            weights_of_terms=weights,
            gan_mode=gan_mode,
            lambda_penalty=lambda_penalty,
            diff_augment=diff_augment,
            d_regularization=d_regularization,
            lambda_r1=lambda_r1,
            ema_decay=ema_decay,
            seed=seed,
            name=name,
        )
        self.generator_g, self.patch_mlp = generator_g, patch_mlp
        self.discriminator_y = discriminator_y
        maps = [layer.output for layer in encoder_layers(generator_g, nce_layers)]
        self.encoder = keras.Model(generator_g.input, maps, name="encoder")
        self.nce_identity, self.flip_equivariance = nce_identity, flip_equivariance
        self.n_patches = n_patches
        self.nce_temperature = nce_temperature
        self.nce_all_negatives = nce_all_negatives
        self.patch_seed = keras.random.SeedGenerator(seed)

    @classmethod
    def from_options(
        cls,
        options: CUTOptions,
        networks: NetworkOptions,
        make_optimizer: Callable[[], keras.optimizers.Optimizer],
        *,
        shapes: Mapping[str, tuple[int | None, int | None, int]],
        seed: int = 0,
        **compile_options,
    ):
        """Returns a trainer ready for `fit`.

        Args:
            options: of the objective.
            networks: of the generator and the discriminator.
            make_optimizer: returns a new optimizer.
            shapes: {"x", "y"}, the (height, width, channels) of each domain's pictures.
            seed: of positions, mirroring, the gradient penalty and `diff_augment`.
            **compile_options: as in `Trainer.compile_optimizers`.

        Raises:
            TrainingError: the generator has no such maps; or x and y differ in channels, and the
                identity needs equal ones.
        """
        x_channels, y_channels = shapes["x"][-1], shapes["y"][-1]
        if options.nce_identity and x_channels != y_channels:
            raise TrainingError(
                f"--nce_identity feeds y to G, which takes {x_channels} channels, but y has "
                f"{y_channels}: use --nonce_identity."
            )
        objective = dataclasses.asdict(options)
        units = objective.pop("nce_units")
        typed_layers = objective.pop("nce_layers")
        generator = build_generator(networks, "generator_g", x_channels, y_channels)
        try:
            if typed_layers:
                numbers = [int(word) for word in typed_layers.split(",")]
            else:
                known = len(encoder_names(generator))
                numbers = [number for number in NCE_LAYERS if number < known]
            maps = encoder_layers(generator, numbers)
        except ValueError as error:
            asked = f"--nce_layers={typed_layers} with " if typed_layers else ""
            raise TrainingError(f"{asked}--generator={networks.generator}: {error}") from error
        widths = [layer.output.shape[-1] for layer in maps]
        trainer = cls(
            generator,
            build_discriminator(networks, "discriminator_y", y_channels),
            PatchMLP(widths, units, networks.init_type, networks.init_gain, name="patch_mlp"),
            seed=seed,
            nce_layers=numbers,
            **objective,
        )
        trainer.build({side: (None, *shape) for side, shape in shapes.items()})
        trainer.compile(make_optimizer(), make_optimizer(), **compile_options)
        return trainer

    def train_step(self, data: dict) -> dict:
        """Trains on one batch and returns the means of all terms so far."""
        # 1. G translates x and, for the identity, y; FastCUT mirrors them before, now and then.
        mirror = self.draw_mirror()
        positions_seed = ops.copy(self.patch_seed.state)

        def translate(batch):
            fakes = self.generator_g(mirrored(self.compared(batch), mirror), training=True)
            return ops.split(fakes, 2) if self.nce_identity else [fakes]

        translation = self.forward_pass(translate, data, self.generator_variables)

        # 2. D learns to distinguish y from G(x).
        judged = self.with_draws(data, SEEN_BY_DISCRIMINATORS)
        discriminator = self.minimize(
            [self.loss_of_discriminator],
            batch={**judged, "fake_y": ops.stop_gradient(translation.value[0])},
            variables=self.discriminator_variables,
            optimizer="discriminator_optimizer",
        )

        # 3. G and H answer to the updated D, and each patch must resemble the one it came from.
        def loss_of_generator(batch, fakes):
            self.patch_seed.state.assign(positions_seed)  # the same in every part of a batch
            keys = [ops.stop_gradient(each) for each in self.encode(self.compared(batch))]
            return self.loss_of_generator(batch, keys, ops.concatenate(fakes), mirror=mirror)

        generator = self.minimize(
            [loss_of_generator],
            batch=self.with_draws(data, SEEN_BY_GENERATORS),
            variables=self.generator_variables,
            optimizer="generator_optimizer",
            forward_pass=translation,
        )

        # 4. The moving average follows G, and the terms are recorded.
        self.finish_step()
        return self.record(
            {**generator.terms, **discriminator.terms, "generator_loss": generator.value}
        )

    def test_step(self, data: dict) -> dict:
        """Records the same terms without an update and without mirroring."""
        pictures = self.compared(data)
        fakes = self.generator_g(pictures, training=False)
        keys = self.encode(pictures, training=False)
        generator = self.loss_of_generator(data, keys, fakes, training=False)
        judged = {**data, "fake_y": self.translations_of_x(fakes)}
        discriminator = self.loss_of_discriminator(judged, training=False)
        return self.record(
            {**generator.terms, **discriminator.terms, "generator_loss": generator.value}
        )

    def loss_of_discriminator(self, batch: dict, training: bool = True) -> Loss:
        """Returns the loss of D on the real "y" and the "fake_y" of a batch."""
        return self.judgment_loss("y", self.discriminator_y, batch, training=training)

    def loss_of_generator(
        self, batch: dict, keys: Sequence, fakes, mirror=None, training: bool = True
    ) -> Loss:
        """Returns the loss of G and H on a batch; see `nce_terms` for the other arguments."""
        fake_y = self.translations_of_x(fakes)
        logits = self.discriminator_y(self.see(batch, "g_fake_y", fake_y), training=training)
        return self.generator_loss(
            {
                "g_adversarial": self.adversarial.generator(logits),
                **self.nce_terms(keys, fakes, mirror=mirror, training=training),
            }
        )

    def compared(self, batch: dict):
        """Returns the pictures to compare with their translations.

        They are x or, with the identity, x and y, one after the other along the first axis.
        """
        return ops.concatenate([batch["x"], batch["y"]]) if self.nce_identity else batch["x"]

    def translations_of_x(self, fakes):
        """Returns G(x) from the translations of `compared` pictures."""
        return ops.split(fakes, 2)[0] if self.nce_identity else fakes

    def encode(self, images, training: bool = True) -> list:
        """Returns the maps of the encoder that are compared, (batch, height, width, channels)."""
        return keras.tree.flatten(self.encoder(images, training=training))

    def patches(self, maps: Sequence, positions: Sequence) -> list:
        """Returns the features on the sphere at `positions` of each map.

        Args:
            maps: of the encoder, (batch, height, width, channels).
            positions: of each map, integers (positions,), row by row.

        Returns:
            A tensor (batch, positions, units) for each map.
        """
        chosen = []
        for features, positions_of_map in zip(maps, positions, strict=True):
            shape = (ops.shape(features)[0], -1, features.shape[-1])
            row_by_row = ops.reshape(features, shape)  # (batch, height * width, channels)
            chosen.append(ops.take(row_by_row, positions_of_map, axis=1))
        return self.patch_mlp(chosen)

    def draw_positions(self, maps: Sequence) -> list:
        """Draws positions of each map, row by row, without repetition: integers (positions,)."""
        counts = [ops.shape(each)[1] * ops.shape(each)[2] for each in maps]
        return [
            keras.random.shuffle(ops.arange(count), seed=self.patch_seed)[: self.n_patches]
            for count in counts
        ]

    def draw_mirror(self):
        """Draws whether to mirror this batch; None where this method never does."""
        if not self.flip_equivariance:
            return None
        return keras.random.uniform((), seed=self.patch_seed) < 0.5

    def nce_terms(self, keys: Sequence, fakes, mirror=None, training: bool = True) -> dict:
        """Returns the contrastive terms.

        Args:
            keys: the encoder's maps of x or, with the identity, of x and y, one after the other.
            fakes: their translations.
            mirror: what `draw_mirror` returned; the fakes are of mirrored pictures then.
            training: whether layers train.
        """
        names = ["nce_x", "nce_y"] if self.nce_identity else ["nce_x"]
        terms = dict.fromkeys(names, 0.0)
        positions = self.draw_positions(keys)
        fakes = adapt_channels(fakes, self.encoder.input_shape[-1])
        maps = [mirrored(each, mirror) for each in self.encode(fakes, training)]
        queries, keys = self.patches(maps, positions), self.patches(keys, positions)
        for query, key in zip(queries, keys, strict=True):
            query_of_domain = ops.split(query, len(names))
            key_of_domain = ops.split(key, len(names))
            for name, q, k in zip(names, query_of_domain, key_of_domain, strict=True):
                loss = patch_nce(q, k, self.nce_temperature, self.nce_all_negatives)
                terms[name] += loss / len(queries)
        return terms

    def extra_state(self) -> dict:
        """The seed of positions and mirroring, beside what every adversarial trainer has."""
        return {**super().extra_state(), "patch_seed": [self.patch_seed.state]}


def mirrored(images, mirror):
    """Mirrors (batch, height, width, channels) left to right where `mirror`, a scalar, is true."""
    return images if mirror is None else ops.where(mirror, ops.flip(images, axis=2), images)


def adapt_channels(images, channels: int):
    """Returns translations with as many channels as the encoder takes.

    The map is fixed: a single channel is repeated; to a single channel the mean of all is taken;
    otherwise channel i takes the channel at its relative position, floor((i + 1/2) own / channels).

    Args:
        images: (batch, height, width, own channels).
        channels: how many there are to be.

    Returns:
        (batch, height, width, channels); `images` themselves where they have as many.

    Example:
        >>> ops.convert_to_numpy(adapt_channels(ops.ones((1, 1, 1, 1)), 3)).tolist()
        [[[[1.0, 1.0, 1.0]]]]
    """
    own = images.shape[-1]
    if own == channels:
        return images
    if channels == 1:
        return ops.mean(images, axis=-1, keepdims=True)
    positions = [(2 * index + 1) * own // (2 * channels) for index in range(channels)]
    return ops.stack([images[..., position] for position in positions], axis=-1)
