"""Settings of the stages that measure and export."""

from dataclasses import dataclass
from typing import Annotated

from annotated_types import Ge, Gt, Le, Lt

from train.config.section import AtLeast0, AtLeast1, Section

PROCEDURAL_CATEGORY = "vehicles"
"""What the procedural objects are. Networks trained on their ground truth know nothing else."""


@dataclass(frozen=True)
class HeldOutViews(Section):
    """How held-out objects are looked at, by a stage and by `train.evaluate`."""

    views: AtLeast1 = 8
    """Novel views per object."""
    seed: Annotated[int, Ge(0), Lt(10_000)] = 0
    """Other seeds give other held-out objects, cameras and scenes; none that a training sees."""


@dataclass(frozen=True)
class EvaluateConfig(HeldOutViews):
    """Held-out procedural objects with ground truth."""

    objects: AtLeast1 = 200
    """Held-out objects."""
    baseline_steps: AtLeast0 = 0
    """Training steps of the single-view baseline; 0: as many as inverse.steps."""
    single_view_baseline: bool = True
    """Train the same network on single views of the same images, for a row of its own."""


@dataclass(frozen=True)
class ExportConfig(Section):
    """The bundle that the service loads."""

    category: str = PROCEDURAL_CATEGORY
    """What the photographs show. For any other than the default nothing is measured, annotated or
    labelled by networks that were trained on vehicles."""
    tolerance: Annotated[float, Gt(0), Le(1e-3)] = 1e-3
    """Largest difference of any output between torch and ONNX Runtime; the service allows 0.001."""
    samples: AtLeast1 = 6
    """Photographs put into the bundle."""
    sample_size: Annotated[int, Ge(64), Le(2048)] = 512
    """Side of a procedural sample, longest side of a sample from a folder, in pixels."""
    register: bool = False
    """Also copy the bundle into BentoML's model store."""
    data_licence: str = ""
    """Licence of the photographs; empty: the procedural ones' own, or "unknown" for a folder."""
    weights_licence: str = ""
    """Licence of the weights; empty: as the data's."""
