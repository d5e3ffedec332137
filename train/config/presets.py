"""The settings that ship, and what each of them is for."""

from train import config

SMOKE = config.Config(
    preset="smoke",
    photographs=config.PhotographsConfig(count=4_096),
    gan=config.GanConfig(kimg=1, conditioned_kimg=1, init="shipped", warm_start=False),
    segmenter=config.SegmenterConfig(steps=150),
    viewpoints=config.ViewpointsConfig(
        candidates=200,
        contents=8,
        suggested_per_bin=4,
        suggestion_steps=60,
        annotator="classifier",
        classifier="shipped",
    ),
    cameras=config.CamerasConfig(views_steps=60, self_training_steps=60),
    multiview=config.MultiviewConfig(objects=60, views=8, cameras=48),
    cutouts=config.CutoutsConfig(procedural=128, size=64),
    inverse=config.InverseConfig(steps=100, batch_size=8, size=64, cutouts=8, perceptual_after=20),
    disentangle=config.DisentangleConfig(
        images=240, warmup_steps=60, warmup_batch_size=16, steps=8, batch_size=8
    ),
    neural=config.NeuralConfig(images=240, steps=20),
    evaluate=config.EvaluateConfig(objects=40, views=4, baseline_steps=40),
)

VEHICLES = config.Config(
    preset="vehicles",
    gan=config.GanConfig(kimg=0, conditioned_kimg=0, init="shipped", warm_start=False),
    segmenter=config.SegmenterConfig(steps=6_000),
    viewpoints=config.ViewpointsConfig(candidates=1_000, classifier="shipped"),
    cameras=config.CamerasConfig(estimator="attributes", self_training_rounds=0),
    multiview=config.MultiviewConfig(objects=3_000),
    cutouts=config.CutoutsConfig(procedural=20_000),
    inverse=config.InverseConfig(steps=10_000, first_steps=250, batch_size=10, photographs=4),
    evaluate=config.EvaluateConfig(objects=200, single_view_baseline=False),
)

GPU = config.Config(
    preset="gpu",
    photographs=config.PhotographsConfig(size=128),
    gan=config.GanConfig(
        kimg=1_200,
        conditioned_kimg=2_000,
        channels=4_096,
        most_channels=256,
        code=128,
        batch_size=64,
        ema_kimg=10,
        snapshot_kimg=200,
    ),
    segmenter=config.SegmenterConfig(steps=2_000),
    multiview=config.MultiviewConfig(objects=2_000),
    inverse=config.InverseConfig(steps=6_000, texture_size=128),
    disentangle=config.DisentangleConfig(images=8_000, steps=600),
)

PAPER = config.Config(
    preset="paper",
    rounds=1,
    photographs=config.PhotographsConfig(size=512),
    gan=config.GanConfig(
        kimg=25_000, channels=32_768, code=512, learning_rate=2e-3, gamma=10, ema_kimg=10
    ),
    multiview=config.MultiviewConfig(objects=6_000, smallest_mask=0.10),
    inverse=config.InverseConfig(
        steps=200_000,
        learning_rate=1e-4,
        perceptual_after=3_000,
        mask_weight=3,
        photographs=0,
        last_sigmainv=config.InverseConfig.sigmainv,
    ),
    disentangle=config.DisentangleConfig(
        warmup_steps=700,
        warmup_batch_size=16,
        warmup_learning_rate=1e-5,
        steps=2_500,
        learning_rate=1e-5,
        shape_weight=2.0,
        texture_weight=1.0,
        background_weight=0.2,
        feature_weight=0.0,
        drawn_object_weight=0.0,
        drawn_background_weight=0.0,
        adversary_weight=0.0,
    ),
)
"""Meant for an imported 512 px StyleGAN2 (--gan.checkpoint FOLDER) and photographs of your own, or
its samples (--data checkpoint). Without one a StyleGAN2 of full width is trained first."""

PRESETS = {
    "smoke": SMOKE, "vehicles": VEHICLES, "cpu": config.Config(), "gpu": GPU, "paper": PAPER,
}  # fmt: skip

BEGUN_GAN = {"init": "shipped", "kimg": 300.0, "conditioned_kimg": 200.0}
"""GANs of `cpu`, of another category."""


def of_category(name: config.PresetName, category: str) -> config.Config:
    """A preset, fit for what the photographs show.

    `cpu` trains GANs of vehicles from scratch. Those of another category go on from the shipped
    ones: so begun, mugs had rims and handles at 49 kimg; from scratch, outlines alone at 75.
    `smoke` starts from the shipped GANs. For another category it trains one from scratch, so
    shortly that its images are blurs, and calls its view codes by all directions in turn: no person
    has to look at blurs.
    """
    if category == config.PROCEDURAL_CATEGORY or name not in ("cpu", "smoke"):
        return PRESETS[name]
    if name == "cpu":
        return config.override(PRESETS[name], gan=BEGUN_GAN)
    return config.override(
        SMOKE,
        gan={"init": "scratch", "kimg": 10, "warm_start": True},
        viewpoints={"per_bin": 1, "suggested_per_bin": 0, "annotator": "in_turn"},
        multiview={"smallest_mask": 0.0, "largest_border": 1.0, "second_instance": 1.0},
        cutouts={"procedural": 0},
    )


PURPOSES = {
    "smoke": "every stage in minutes on two cores, of any folder: proves that everything runs, and "
    "makes no model",
    "vehicles": "the shipped bundle, from the shipped GANs as they are, in an hour or two",
    "cpu": "your own photographs, in an evening on two cores; the default",
    "gpu": "both GANs in a quarter of an hour on a card of the H100 class; not run as a whole",
    "paper": "the paper's steps, batches and weights at 512 px, not run here (120 hours on 4 V100)",
}
"""Preset -> what it is for, as --help says it."""
