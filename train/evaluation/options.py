"""Options of the sub-commands of `train.evaluate`; nothing heavy is imported here."""

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from annotated_types import Ge, Lt
from tyro.conf import Positional, arg

from graphics.fusing import STEPS
from train.config import ConfigError, EvaluateConfig, HeldOutViews, require
from train.config.section import (
    AnyInputFile,
    AnyInputFolder,
    AtLeast0,
    AtLeast1,
    BundleFolder,
    InputFolder,
    OutputFolder,
    Section,
)

SHIPPED = Path(__file__).resolve().parents[2] / "service" / "shipped" / "vehicles"
"""The bundle that comes with the source."""
PROCEDURAL = "procedural:"
"""Before a number of procedural objects."""
FRONTS = {"y": "+z", "z": "-y"}
"""Axis that is up in a folder's meshes -> the front that goes without saying."""
Axis = Literal["x", "+x", "-x", "y", "+y", "-y", "z", "+z", "-z"]


@dataclass(frozen=True, kw_only=True)
class Measurement(Section):
    """Options of all sub-commands."""

    report_name: ClassVar[str] = "report"
    """Of the report's files."""
    bundle: BundleFolder = SHIPPED
    """The bundle's folder."""
    out: OutputFolder = Path("build/report")
    """The folder to write to."""


@dataclass(frozen=True, kw_only=True)
class OfObjects(HeldOutViews, Measurement):
    """Options of what is measured on objects whose ground truth is known."""

    source: Positional[str] = f"{PROCEDURAL}{EvaluateConfig.objects}"
    """procedural:N or N: that many held-out procedural vehicles. FOLDER: every textured mesh below
    it (GLB, glTF, OBJ, COLLADA, PLY)."""
    up: Literal["y", "z"] | None = None
    """The axis of a folder's meshes that is up; default: y."""
    front: Annotated[Axis | None, arg(metavar="AXIS")] = None
    """The axis of a folder's meshes that is the front, as +z or -y; default: +z, with --up z -y."""

    def __post_init__(self) -> None:
        super().__post_init__()
        named = self.source.removeprefix(PROCEDURAL)
        if named.isdigit():
            require(int(named) >= 1, f"objects {self.source}: at least 1")
            require(
                self.up is None and self.front is None,
                "--up and --front say how a folder's meshes lie: give a folder",
            )
        elif named != self.source:
            raise ConfigError(f"objects {self.source}: a number has to follow the colon")
        else:
            require(
                bool(named) and Path(named).is_dir(), f"{named} is not a folder, nor procedural:N"
            )
        require(
            self.front is None or self.front[-1] != (self.up or "y"),
            f"--up and --front {self.front}: two different axes",
        )

    @property
    def procedural(self) -> int | None:
        """How many procedural objects; None: the source is a folder."""
        named = self.source.removeprefix(PROCEDURAL)
        return int(named) if named.isdigit() else None


@dataclass(frozen=True, kw_only=True)
class Objects(OfObjects):
    """Measure a bundle on photographs of objects whose ground truth is known."""

    single_view: AnyInputFile = None
    """Also measure a network trained on single views: what stage inverse leaves in
    single_view/inverse_graphics.safetensors."""
    refine_steps: AtLeast0 = 0
    """Test-time steps of a row of refined predictions; 0: no such row."""
    oracle_objects: AtLeast0 = 20
    """The template is fitted to the ground truth of the first so many objects; 0: no such row."""
    oracle_steps: AtLeast1 = 300
    """Steps of each fit."""


@dataclass(frozen=True, kw_only=True)
class Fused(OfObjects):
    """Measure what an object's mesh gains by two and by four photographs."""

    report_name: ClassVar[str] = "fused"
    views: AtLeast1 = 24
    """Novel views per object."""
    refine: AtLeast0 = STEPS
    """Steps of the fit to all outlines."""


@dataclass(frozen=True, kw_only=True)
class Photos(Measurement):
    """Measure a bundle on real photographs, of which little ground truth is known.

    A folder with photos.csv (columns file, azimuth_degrees, optionally elevation_degrees) is posted
    to a service that is started for it, and what comes back is compared with the labels.
    """

    folder: Positional[Path]
    """JPEG, PNG, WebP, GIF, HEIC and AVIF files, a folder of images of PASCAL3D+ (with its
    cameras), or CUB-200-2011 (with its masks)."""
    masks: AnyInputFolder = None
    """Masks of the photographs, in files of the same names."""
    split: str = ""
    """The split of PASCAL3D+ or CUB-200-2011 to read; default: all."""
    folds: AtLeast1 = 1
    """With photos.csv: also a row for each of so many folds, the table's rows in turn."""

    def __post_init__(self) -> None:
        super().__post_init__()
        require(self.folder.is_dir(), f"photos {self.folder} is not a folder")


@dataclass(frozen=True, kw_only=True)
class Generator(Measurement):
    """Measure how well a generator holds the camera and the object."""

    report_name: ClassVar[str] = "generator"
    bundle: InputFolder = SHIPPED
    """The folder whose segmenter finds the silhouettes."""

    file: Positional[str] = "shipped"
    """`shipped` or the generator.safetensors of a run's stage gan."""
    inception: AnyInputFile = None
    """An Inception network of yours, ONNX or TorchScript, for the FID proper; see
    `train.models.given_features`."""

    def __post_init__(self) -> None:
        super().__post_init__()
        known = self.file == "shipped" or Path(self.file).is_file()
        require(known, f"generator {self.file} is no file, nor shipped")


@dataclass(frozen=True, kw_only=True)
class Disentangled(Measurement):
    """Measure what the renderers keep, change and obey when photographs are edited."""

    report_name: ClassVar[str] = "disentangled"
    sources: Positional[tuple[str, ...]] = ("shipped",)
    """Each `shipped`, a bundle's folder, whose renderers are given what it reads itself, or a run's
    stylegan_r.safetensors, which is given what --bundle reads."""
    bundle: BundleFolder = SHIPPED
    """The bundle that reads photographs for files and for latent codes, and whose segmenter finds
    the silhouettes of all rows."""
    objects: Annotated[int, Ge(8)] = 500
    """Held-out procedural vehicles."""
    reference: Annotated[int, Ge(256)] = 2_048
    """Other photographs, which Fréchet distances are taken to."""
    latent_objects: AtLeast0 = 0
    """Also optimise the latent codes of the first so many photographs, in W and in W*; 0: no such
    rows."""
    latent_steps: AtLeast1 = 200
    """Gradient steps of each."""
    generator: AnyInputFile = None
    """The generator.safetensors whose codes are optimised, and whose own images stand beside;
    default: the shipped one."""
    seed: Annotated[int, Ge(0), Lt(10_000)] = 0
    """Other seeds give other held-out objects; none that a training sees."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for source in self.sources:
            path = Path(source)
            known = source == "shipped" or path.is_dir() or path.is_file()
            require(known, f"disentangled {source} is no folder, no file, nor shipped")
        require(len(set(self.sources)) == len(self.sources), "disentangled: name each source once")
        require(
            self.latent_objects <= self.objects,
            f"--latent-objects {self.latent_objects}: at most --objects, {self.objects}",
        )
