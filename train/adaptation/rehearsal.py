"""Rendered cut-outs that a training sees beside photographs: they teach what photographs cannot,
and keep what was known before. They are rendered once."""

from typing import NamedTuple

from train.adaptation.options import Adapt
from train.config import PROCEDURAL_CATEGORY
from train.data.cutouts import CutOutBatch, CutOutSource, write_cutouts
from train.data.rendered_cutouts import plain_vehicles, procedural_vehicles, rendered_meshes
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace

PLAIN = 2
"""One in so many procedural vehicles is one of those that the GANs are trained on."""
MESHES_SHARE = 0.8
"""Of meshes in what teaches the camera: procedural vehicles teach cues that no real one has."""


class Rehearsal(NamedTuple):
    """Cut-outs by what they are of, where there are any."""

    procedural: CutOutBatch | None
    meshes: CutOutBatch | None

    @property
    def everything(self) -> CutOutBatch | None:
        """All of them."""
        parts = [part for part in self if part is not None]
        return CutOutBatch.joined(parts) if parts else None

    def for_camera(self) -> CutOutBatch | None:
        """With the meshes repeated until they are their share; None where there are none."""
        if self.meshes is None or self.procedural is None:
            return self.meshes
        wanted = len(self.procedural.images) * MESHES_SHARE / (1 - MESHES_SHARE)
        repeats = max(1, round(wanted / len(self.meshes.images)))
        return CutOutBatch.joined([self.procedural, *[self.meshes] * repeats])


def render(options: Adapt, category: str, size: int, workspace: Workspace) -> Rehearsal:
    """What the options ask for, of size x size pixels; read where it was rendered before."""
    procedural, meshes = list[CutOutSource](), list[CutOutSource]()
    if category == PROCEDURAL_CATEGORY and options.procedural:
        plain = options.procedural // PLAIN
        procedural.append(plain_vehicles(plain, size, options.seed))
        procedural.append(procedural_vehicles(options.procedural - plain, size, options.seed))
    done = StageFolder(workspace.path / "meshes").done
    if options.meshes is not None and not done:
        meshes.append(rendered_meshes(options.meshes, options.views_per_mesh, size, options.seed))
    return Rehearsal(
        _written(workspace, "procedural", procedural, size),
        _written(workspace, "meshes", meshes, size),
    )


def _written(
    workspace: Workspace, name: str, sources: list[CutOutSource], size: int
) -> CutOutBatch | None:
    folder = StageFolder(workspace.path / name)
    if not folder.done:
        if not sources:
            return None
        progress = Progress(workspace, name, sum(source.most for source in sources))
        write_cutouts(folder, sources, size, progress.tick)
        folder.finish()
    return CutOutBatch.read(folder.path)
