"""The options of `train.adapt`."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

from annotated_types import Ge, Le

from train.config.section import (
    AnyInputFolder,
    AtLeast0,
    AtLeast1,
    BundleFolder,
    OutputFolder,
    Positive,
    PositiveShare,
    Section,
    require,
)
from train.evaluation.options import SHIPPED


@dataclass(frozen=True, kw_only=True)
class Adapt(Section):
    """The command line."""

    photos: AnyInputFolder = None
    """JPEG, PNG, WebP, GIF, HEIC and AVIF files; labelled where the folder has a `photos.csv`.
    Without any the bundle is adapted to rendered objects alone."""
    out: OutputFolder = Path("runs/adapted")
    """The folder to write to; the bundle is `bundle/` in it."""
    bundle: BundleFolder = SHIPPED
    """The bundle to start from."""
    masks: AnyInputFolder = None
    """Masks of the photographs, in files of the same names. What has none, and is not transparent
    around its object, is segmented as the service does it, and as it will be served. `masks/` of
    the photographs' folder counts only where it is given here."""
    camera_steps: AtLeast0 = 250
    """Training steps, of 40 renderings of the meshes, of what estimates the camera, on a trunk that
    knows photographs (EfficientNet-Lite0, which is downloaded once). 0, or without `meshes`: it
    stays as it is."""
    camera_learning_rate: Positive = 2e-4
    """AdamW's largest, of that trunk; what starts anew takes five times as much."""
    photograph_steps: AtLeast0 = 75
    """Training steps, of 40 cut-outs, a quarter of them photographs, in which what estimates the
    camera learns the labels among renderings of the meshes; for each of `folds` and at the end.
    0, or without `meshes`: its last layer alone learns them, which takes seconds."""
    steps: AtLeast1 = 400
    """Training steps, of 24 objects, of shape and texture."""
    shapes: bool = True
    """Teach shape and texture, too, by renderings. Without it only azimuths are learned, which
    takes a minute."""
    learning_rate: Positive = 5e-4
    """AdamW's largest, of shape and texture."""
    photographed_share: PositiveShare = 0.5
    """Share of photographs in a step, where there are rendered cut-outs too."""
    folds: Annotated[int, Ge(1), Le(50)] = 5
    """Trainings that leave out a share of the labels each, to be measured by and calibrated on;
    1, or more than there are labels: none."""
    held_out: bool = False
    """Leave the first fold's labels out of the last training and of the calibration, too, and
    measure on them."""
    procedural: AtLeast0 = 3_000
    """Rendered road vehicles that a bundle of vehicles is trained on beside the photographs."""
    meshes: AnyInputFolder = None
    """Textured meshes, y up and the front towards +z, that are rendered for the same."""
    views_per_mesh: AtLeast1 = 50
    """Renderings of each."""
    seed: AtLeast0 = 1
    """Of all random numbers."""

    def __post_init__(self) -> None:
        super().__post_init__()
        out = self.out.resolve()
        require(
            self.photos is not None or self.meshes is not None,
            "there is nothing to adapt to: give --photos, --meshes or both",
        )
        require(
            self.photos is not None or self.shapes,
            "--no-shapes without --photos leaves nothing to learn: give one of them up",
        )
        for name, folder in (("photos", self.photos), ("masks", self.masks)):
            require(
                folder is None or not out.is_relative_to(folder.resolve()),
                f"--out {self.out} lies in --{name} {folder}: what is written there would be read "
                "as photographs; name a folder outside",
            )
        require(
            (out / "bundle") != self.bundle.resolve(),
            f"--bundle {self.bundle} is what --out {self.out} writes: name another --out",
        )
        require(
            not self.held_out or self.folds > 1,
            f"--held-out with --folds {self.folds} would leave out every label: give 2 folds or "
            "more",
        )
