"""The steps of a run in their order, and which steps each reads from."""

from typing import NamedTuple


class Step(NamedTuple):
    """One stage in one round."""

    stage: str
    round: int

    def __str__(self) -> str:
        return f"{self.stage} (round {self.round})" if self.stage in READS else self.stage

    @property
    def flag(self) -> str:
        """How --redo names it."""
        return f"{self.stage}:{self.round}" if self.stage in READS else self.stage


ONCE: dict[str, tuple[str, ...]] = {
    "photographs": (),
    "segmenter": ("photographs",),
    "viewpoints": ("gan",),
    "cutouts": (),
}
"""Stages that run once, and what of round 0 each reads from."""

READS: dict[str, tuple[str, ...]] = {
    "cameras": ("photographs", "viewpoints", "inverse -1", "multiview -1"),
    "gan": ("photographs", "cameras", "gan -1"),
    "multiview": ("gan", "segmenter", "viewpoints", "cameras"),
    "inverse": ("multiview", "gan", "segmenter", "photographs", "cutouts", "cameras", "inverse -1"),
    "disentangle": ("gan", "multiview", "inverse", "segmenter", "disentangle -1"),
    "evaluate": ("photographs", "segmenter", "multiview", "inverse"),
    "neural": ("gan", "multiview", "inverse", "segmenter"),
}
"""Stages of every round, and what each reads from; -1: of the round before. Only the last round has
stage neural."""

EXPORT = ("photographs", "segmenter", "inverse", "disentangle", "neural", "evaluate")


def plan(rounds: int) -> list[Step]:
    """The stages in their order. Round 0's GAN is unconditional, later ones know cameras."""
    steps = [Step("photographs", 0), Step("segmenter", 0), Step("gan", 0), Step("viewpoints", 0)]
    steps += [Step("cutouts", 0)]
    for number in range(rounds):
        if number > 0:
            steps += [Step("cameras", number), Step("gan", number)]
        stages = ("multiview", "inverse", "disentangle", "evaluate")
        steps += [Step(stage, number) for stage in stages]
    return [*steps, Step("neural", rounds - 1), Step("export", rounds - 1)]


STAGES = tuple(dict.fromkeys(step.stage for step in plan(2)))


def reads(step: Step) -> list[Step]:
    """The steps that a step reads from."""
    named = ONCE.get(step.stage) or READS.get(step.stage)
    if step.stage == "export":
        named = EXPORT
    found = []
    for name in named or ():
        stage, _, before = name.partition(" ")
        number = 0 if stage in ONCE else step.round - len(before) // 2
        if number >= 0 and (stage, number) != ("cameras", 0):
            found.append(Step(stage, number))
    return found


def after(steps: list[Step], begun: list[Step]) -> list[Step]:
    """Those of `steps`, in their order, that are among `begun` or read from such a one."""
    found = set(begun)
    for step in steps:
        if found.intersection(reads(step)):
            found.add(step)
    return [step for step in steps if step in found]
