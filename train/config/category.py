"""Refuses, for photographs of anything but vehicles, what would draw or read vehicles in them."""

from collections.abc import Collection

from train.config import CHECKPOINT, PROCEDURAL, PROCEDURAL_CATEGORY, Config
from train.config.refusal import require


def check(config: Config, stages: Collection[str]) -> None:
    """Refuse settings that the photographs' category cannot be trained with.

    `stages`: those that have yet to run.

    Raises:
        ConfigError: a setting that is for vehicles only; the message names one to use instead.
    """
    if config.shows_vehicles:
        return
    named = f"export.category={config.export.category}"
    source, gan = config.photographs.source, config.gan
    require(
        source != PROCEDURAL or "photographs" not in stages,
        f"{named}: the procedural photographs show {PROCEDURAL_CATEGORY}; give photographs with "
        f"--data FOLDER, or draw them with photographs.source={CHECKPOINT}",
    )
    generates = not gan.checkpoint or (config.rounds > 1 and not gan.warm_start)
    require(
        gan.init != "shipped" or not generates or "gan" not in stages,
        f"{named}: the shipped GANs (gan.init=shipped) draw {PROCEDURAL_CATEGORY}; set "
        "gan.init=scratch, and with gan.kimg and gan.conditioned_kimg how long to train "
        f"({Config().gan.kimg:g} and {Config().gan.conditioned_kimg:g} in --preset cpu)",
    )
    require(
        config.viewpoints.annotator != "classifier" or "viewpoints" not in stages,
        f"{named}: the classifier (viewpoints.annotator) reads {PROCEDURAL_CATEGORY} only; leave "
        "it at auto, and a person is asked",
    )
    require(
        "attributes" not in config.cameras.estimator.split(",")
        or config.rounds == 1
        or "cameras" not in stages,
        f"{named}: the attribute network (cameras.estimator={config.cameras.estimator}) reads "
        f"{PROCEDURAL_CATEGORY} only; set cameras.estimator={Config().cameras.estimator}",
    )
