"""How long the steps of a run are going to take, from those that it has been through.

Each stage has an amount of work by its settings, and the seconds that a unit of it took on one
machine. How much slower or faster this machine is, the steps that have run tell.
"""

from collections.abc import Callable, Mapping
from datetime import timedelta
from statistics import median
from typing import NamedTuple

from train.config import PROCEDURAL, Config
from train.running.plan import Step

LEAST_SECONDS = 5.0
"""A step that took less says nothing of the machine."""


class Left(NamedTuple):
    """Seconds that are left, and whether they were timed in this run or are a rough guess."""

    seconds: float
    timed: bool

    def text(self) -> str:
        """For people: `12 min`, `about 3 h 05 min`."""
        return ("" if self.timed else "about ") + duration(self.seconds)


def duration(seconds: float) -> str:
    """Seconds as people say them: `40 s`, `12 min`, `3 h 05 min`, `2 days 4 h`."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    whole = timedelta(seconds=round(seconds))
    hours, minutes = divmod(whole.seconds // 60, 60)
    if whole.days:
        return f"{whole.days} day{'s' * (whole.days > 1)} {hours} h"
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min"


def _photographs(config: Config, step: Step) -> float:
    return config.photographs.count if config.photographs.source == PROCEDURAL else 5_000


def _segmenter(config: Config, step: Step) -> float:
    settings = config.segmenter
    return 0 if settings.onnx else settings.steps * settings.batch_size


def _gan(config: Config, step: Step) -> float:
    taken = bool(config.gan.checkpoint) and not step.round
    kimg = config.gan.conditioned_kimg if step.round else config.gan.kimg
    wide = max(config.gan.channels / 2_048, 1.0)
    return 0 if taken else 1_000 * kimg * wide


def _viewpoints(config: Config, step: Step) -> float:
    settings = config.viewpoints
    trained = settings.classifier_steps * (settings.classifier == "train" and config.shows_vehicles)
    return settings.candidates * settings.contents / 32 + trained + settings.suggestion_steps


def _cameras(config: Config, step: Step) -> float:
    settings = config.cameras
    return settings.views_steps + settings.self_training_rounds * settings.self_training_steps


def _inverse(config: Config, step: Step) -> float:
    settings, last = config.inverse, step.round == config.rounds - 1
    steps = settings.steps if last else settings.first_steps or settings.steps
    if last and config.evaluate.single_view_baseline and config.shows_vehicles:
        steps += (config.evaluate.baseline_steps or settings.steps) / 2
    return steps * settings.batch_size


def _disentangle(config: Config, step: Step) -> float:
    settings = config.disentangle
    return (
        settings.warmup_steps * settings.warmup_batch_size
        + 4 * settings.steps * settings.batch_size
        + 500 * config.shows_vehicles
    )


WORK: Mapping[str, tuple[Callable[[Config, Step], float], float]] = {
    "photographs": (_photographs, 0.0012),
    "segmenter": (_segmenter, 0.004),
    "gan": (_gan, 0.0045),
    "viewpoints": (_viewpoints, 0.02),
    "cutouts": (lambda config, step: config.cutouts.procedural, 0.004),
    "cameras": (_cameras, 0.05),
    "multiview": (lambda config, step: config.multiview.objects * config.multiview.views, 0.006),
    "inverse": (_inverse, 0.03),
    "disentangle": (_disentangle, 0.03),
    "evaluate": (lambda config, step: config.evaluate.objects, 0.1),
    "neural": (lambda config, step: config.neural.steps * config.neural.batch_size, 0.05),
    "export": (lambda config, step: 1, 20.0),
}
"""Work of a stage in units of its own, and the seconds of one at 64 px on two CPU cores."""
FIXED_SECONDS = 2.0
"""Beside its work every step reads, compiles and writes."""


def usual_seconds(config: Config, step: Step) -> float:
    """What a step would take on the machine that `WORK` was measured on."""
    amount, seconds = WORK[step.stage]
    pixels = (config.photographs.size / 64) ** 2
    return FIXED_SECONDS + amount(config, step) * seconds * pixels


def expected(config: Config, steps: list[Step], taken: Mapping[Step, float]) -> dict[Step, Left]:
    """Seconds of every step. `taken`: those of the steps that are done.

    A step goes by the same stage of an earlier round, else by all steps that were timed.
    """
    factors = {
        step: seconds / usual_seconds(config, step)
        for step, seconds in taken.items()
        if seconds >= LEAST_SECONDS
    }
    overall = median(factors.values()) if factors else 1.0
    found = {}
    for step in steps:
        same = [factor for other, factor in factors.items() if other.stage == step.stage]
        usual = usual_seconds(config, step)
        found[step] = Left(taken.get(step, usual * (same[-1] if same else overall)), bool(same))
    return found
