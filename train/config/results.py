"""Settings of the stages that measure and export."""

from dataclasses import dataclass

from train.config.refusal import require

PROCEDURAL_CATEGORY = "vehicles"
"""What the procedural objects are. Networks that are taught on their truth know nothing else."""


@dataclass(frozen=True)
class EvaluateConfig:
    """Held-out procedural objects with truth."""

    objects: int = 200
    views: int = 8
    """Novel views per object."""
    baseline_steps: int = 0
    """Steps of the single-view baseline; 0: as many as inverse.steps."""
    single_view_baseline: bool = True
    seed: int = 0
    """Another one, other held-out objects, cameras and scenes; none that a training sees."""
    oracle_objects: int = 20
    """`train.evaluate` fits the template to the truth of the first so many; 0: no such row."""
    oracle_steps: int = 300
    """Of each fit."""
    refine_steps: int = 0
    """Steps of `train.evaluation.refinement` for a row of refined predictions; 0: no such row."""

    def __post_init__(self) -> None:
        require(self.objects >= 1, f"evaluate.objects={self.objects}: at least 1")
        require(self.views >= 1, f"evaluate.views={self.views}: at least 1")
        require(0 <= self.seed < 10_000, f"evaluate.seed={self.seed}: 0 to 9999")
        require(
            self.oracle_objects >= 0 and self.oracle_steps >= 1,
            f"evaluate.oracle_objects={self.oracle_objects} and "
            f"evaluate.oracle_steps={self.oracle_steps}: at least 0 and at least 1",
        )
        require(self.refine_steps >= 0, f"evaluate.refine_steps={self.refine_steps}: at least 0")


@dataclass(frozen=True)
class ExportConfig:
    """The bundle that the service loads."""

    category: str = PROCEDURAL_CATEGORY
    """What the photographs show. For any other than the default nothing is measured, annotated or
    labelled by networks that were taught on vehicles."""
    tolerance: float = 1e-3
    """Largest difference of any output between torch and ONNX Runtime."""
    samples: int = 6
    """Photographs put into the bundle."""
    sample_size: int = 512
    """Side of a procedural sample, longest side of a sample from a folder, in pixels."""
    register: bool = False
    """Also copy the bundle into BentoML's model store."""
    data_licence: str = ""
    """Of the photographs; empty: the procedural ones' own, or "unknown" for a folder."""
    weights_licence: str = ""
    """Of the weights; empty: as the data's."""

    def __post_init__(self) -> None:
        require(
            0 < self.tolerance <= 1e-3,
            f"export.tolerance={self.tolerance}: above 0 and at most 1e-3, the service's limit",
        )
        require(self.samples >= 1, f"export.samples={self.samples}: at least 1")
        require(64 <= self.sample_size <= 2048, f"export.sample_size={self.sample_size}: 64..2048")
