"""A receipt with all that one can hold, for tests of what shows it."""

from cyclegan_keras.compression.estimates import Estimate
from cyclegan_keras.compression.inherited import Inherited
from cyclegan_keras.compression.likeness import Likeness
from cyclegan_keras.compression.measuring import Costs, FileCost, NetworkCost
from cyclegan_keras.compression.quality import Comparison, Quality
from cyclegan_keras.compression.receipt import (
    CompressedDirection,
    Receipt,
    Source,
    TriedShape,
)


def near(value, width=0.5):
    return Estimate(value=value, low=value - width, high=value + width)


def like(of, psnr_db):
    return Likeness(
        of=of,
        psnr_db=near(psnr_db),
        ssim=near(0.914, 0.01),
        psnr_without_offset_db=near(psnr_db + 2),
        ssim_without_offset=near(0.92, 0.01),
        offset=near(7.5),
    )


def made_receipt():
    """Returns a receipt whose numbers can be told apart."""
    files = []
    for network, kb, ms, psnr_db in (
        ("teacher", 11_596.0, 287.0, 43.5),
        ("student", 578.0, 14.6, 47.1),
    ):
        for variant, factor, least_psnr_db in (("fp32", 4, 100), ("dynamic", 1, 40)):
            files.append(
                FileCost(
                    network=network,
                    variant=variant,
                    kb=kb * factor,
                    ms=ms * factor,
                    rounds=15,
                    peak_memory_mb=None if variant == "fp32" else 31.4,
                    psnr_db=psnr_db + 55 if variant == "fp32" else psnr_db,
                    least_psnr_db=least_psnr_db,
                )
            )
    costs = Costs(
        height=256,
        width=192,
        threads=2,
        networks=(
            NetworkCost(network="teacher", macs=49_600_000_000, parameters=11_400_000),
            NetworkCost(network="student", macs=2_420_000_000, parameters=500_000),
        ),
        files=tuple(files),
        left_out=("The variants int8 and integer are left out: there are no pictures.",),
    )
    quality = Quality(
        count=40,
        likeness=(like("student", 26.9), like("teacher mirrored", 26.8), like("copy", 18.3)),
        comparisons=(
            Comparison(
                name="KID",
                better="lower",
                teacher=near(31.0),
                student=near(33.0),
                real_score=0.2,
                copy_score=120.0,
                protocol="1000 times the unbiased MMD^2.",
            ),
        ),
        left_out=("The error to the truth is left out: there are no counterparts.",),
        unit="gray levels of 255",
        preparation="Whole pictures are scaled to 256 x 256 px.",
    )
    return Receipt(
        teacher=Source(
            name="vintagify", path="models/G.pth", sha256=("abc123",), shape="64x9", step=33
        ),
        shape="16x6",
        targets={"kb": 1000},
        variant="dynamic",
        data="horses",
        directions=(
            CompressedDirection(
                signature="a_to_b",
                words="photo to vintage",
                costs=costs,
                quality=quality,
                inherited=Inherited(
                    blocks=(1, 3, 4, 6, 8, 9),
                    channels={"trunk": (4, 17, 63)},
                    unexplained={"block 1": 0.1, "block 3": 0.3},
                ),
            ),
        ),
        shapes=(
            TriedShape(
                shape="16x6",
                macs=2_420_000_000,
                parameters=500_000,
                kb=578.0,
                ms=None,
                fits=True,
            ),
            TriedShape(
                shape="32x9",
                macs=12_700_000_000,
                parameters=2_900_000,
                kb=2964.0,
                ms=None,
                fits=False,
            ),
        ),
        options={"minutes": 10.0, "seed": 7, "shape": None},
        steps=1234,
        seconds={"shape": 3.0, "inheritance": 12.0, "training": 600.0},
        notes=("Fewer than 100 pictures: colors may be off.",),
        created="2025-01-01T00:00:00+00:00",
        machine="Linux x86_64",
        versions={"keras": "3.9"},
    )
