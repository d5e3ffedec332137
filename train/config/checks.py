"""Refuses settings that cannot work together, before hours are spent on the stages before them.

What only a network in a file can say is asked in `train.cycle`, after this.
"""

from collections.abc import Collection
from pathlib import Path

from train.config import PROCEDURAL_CATEGORY, Config, require
from train.config.data import CHECKPOINT, PROCEDURAL

LEAST_KIMG = 100
"""Thousands of images after which a GAN that began with vehicles draws none of them any more."""


def check(config: Config, stages: Collection[str]) -> None:
    """Refuse settings that a stage to come could not use.

    `stages`: those that have yet to run.

    Raises:
        ConfigError: the message names the settings and what to give instead.
    """
    check_category(config, stages)
    gan, source, vgg = config.gan, config.photographs.source, config.inverse.vgg
    require(
        gan.kimg > 0 or gan.init != "scratch" or bool(gan.checkpoint) or "gan" not in stages,
        "--gan.kimg 0 and --gan.init scratch: the GAN would make noise; train it, or give another "
        "--gan.init",
    )
    require(
        source in (PROCEDURAL, CHECKPOINT) or Path(source).is_dir() or "photographs" not in stages,
        f"--photographs.source {source}: no such folder; give one, {PROCEDURAL} or {CHECKPOINT}",
    )
    given = config.photographs.masks
    require(
        not given or (Path(given).is_dir() and source not in (PROCEDURAL, CHECKPOINT)),
        f"--masks {given}: no such folder, or --data names no folder of photographs",
    )
    known = not vgg or Path(vgg).is_file() or "inverse" not in stages
    require(known, f"--inverse.vgg {vgg}: no such file")
    mesh = config.inverse.template
    known = not mesh or Path(mesh).is_file() or "inverse" not in stages
    require(known, f"--template {mesh}: no such file; give a mesh with uvs, or leave it out")
    if "segmenter" in stages:
        check_segmenter(config)
    if "cutouts" in stages:
        check_cutouts(config)
    if takes_checkpoint(config, stages):
        check_checkpoint(config)


def check_cutouts(config: Config) -> None:
    """Refuse, as `check` does, folders that stage cutouts could not read, and road vehicles for
    another category."""
    settings = config.cutouts
    require(
        not settings.procedural or config.shows_vehicles,
        f"--cutouts.procedural {settings.procedural} renders road vehicles, and --export.category "
        f"is {config.export.category}; give 0",
    )
    given = settings.photographs
    require(
        not given or (Path(given) / "photos.csv").is_file(),
        f"--cutouts.photographs {given}: no such folder, or no photos.csv in it; "
        "python -m train.annotate helps to write one",
    )
    given = settings.meshes
    require(not given or Path(given).is_dir(), f"--cutouts.meshes {given}: no such folder")


def takes_checkpoint(config: Config, stages: Collection[str]) -> bool:
    """Whether one of the stages reads the folder --gan.checkpoint."""
    sampled = config.photographs.source == CHECKPOINT and "photographs" in stages
    return sampled or (bool(config.gan.checkpoint) and "gan" in stages)


def check_checkpoint(config: Config) -> None:
    """Refuse, as `check` does, what an imported StyleGAN2 cannot be used for."""
    require(
        bool(config.gan.checkpoint),
        f"--photographs.source {CHECKPOINT} samples the photographs from an imported StyleGAN2: "
        "name its folder with --gan.checkpoint",
    )
    require(
        config.rounds == 1 or not config.gan.warm_start,
        f"--gan.checkpoint with --rounds {config.rounds}: a camera-conditioned GAN cannot go on "
        "from an imported one; give --rounds 1 or --gan.warm-start false",
    )


def check_segmenter(config: Config) -> None:
    """Refuse, as `check` does, a segmenter that is not there or would find nothing."""
    if given := config.segmenter.onnx:
        found = Path(given).is_file() and given.endswith(".onnx")
        require(found, f"--segmenter.onnx {given}: no such file, or not called .onnx")
    elif config.photographs.source == CHECKPOINT:
        require_masks(config)


def require_masks(config: Config) -> None:
    """Refuse photographs without masks that a segmenter trained on vehicles finds nothing in."""
    known = PROCEDURAL_CATEGORY
    require(
        config.shows_vehicles,
        f"--export.category {config.export.category}: the segmenter is trained on procedural "
        f"{known} and would find nothing else (if these are {known}, leave --export.category at "
        f"{known}); give one with --segmenter.onnx FILE (`images` uint8 [B, S, S, 3] -> `masks` "
        "float32 [B, s, s]), or a folder of photographs that all have an alpha channel, or masks "
        "of the same names (--masks FOLDER)",
    )


def check_category(config: Config, stages: Collection[str]) -> None:
    """Refuse, as `check` does, what generates or reads vehicles for photographs of others."""
    if config.shows_vehicles:
        return
    named = f"--export.category {config.export.category}"
    source, gan = config.photographs.source, config.gan
    require(
        source != PROCEDURAL or "photographs" not in stages,
        f"{named}: the procedural photographs show {PROCEDURAL_CATEGORY}; give photographs with "
        f"--data FOLDER, or sample them with --photographs.source {CHECKPOINT}",
    )
    begun = {} if gan.checkpoint else {"--gan.kimg": gan.kimg}
    if config.rounds > 1 and not gan.warm_start:
        begun["--gan.conditioned-kimg"] = gan.conditioned_kimg
    short = {name: kimg for name, kimg in begun.items() if kimg < LEAST_KIMG}
    require(
        gan.init != "shipped" or not short or "gan" not in stages,
        f"{named}: the shipped GANs (--gan.init shipped) generate {PROCEDURAL_CATEGORY}; train "
        f"them on your photographs with {' and '.join(short)} of at least {LEAST_KIMG}, or give "
        f"--gan.init scratch, and how long to train ({Config().gan.kimg:g} and "
        f"{Config().gan.conditioned_kimg:g} from scratch)",
    )
    require(
        config.viewpoints.annotator != "classifier" or "viewpoints" not in stages,
        f"{named}: the attribute classifier (--viewpoints.annotator classifier) reads "
        f"{PROCEDURAL_CATEGORY} only; leave it at auto, and a person is asked",
    )
    require(
        "attributes" not in config.cameras.estimator.split(",")
        or config.rounds == 1
        or "cameras" not in stages,
        f"{named}: the attribute classifier (--cameras.estimator {config.cameras.estimator}) reads "
        f"{PROCEDURAL_CATEGORY} only; give --cameras.estimator {Config().cameras.estimator}",
    )
