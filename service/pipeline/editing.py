"""A photograph and what to change about it to a new photograph."""

import numpy as np

from graphics.camera import AZIMUTH
from service import metrics
from service.errors import ItemError, RequestError
from service.imaging import images
from service.pipeline import fitting, reconstruction, sources
from service.pipeline.archive import ATTRIBUTES
from service.pipeline.drawing import camera_flags, picture_size, render_scene
from service.pipeline.engine import Engine
from service.pipeline.reconstruction import Taken
from service.pipeline.scenes import Scene, camera_row
from service.schemas import photographs as schemas
from service.schemas.photographs import Upload
from service.schemas.rendering import EditAnswer, EditChanges


async def edit(engine: Engine, upload: Upload, changes: EditChanges) -> EditAnswer:
    """The new photograph; raises `RequestError` where the old one or a source cannot be used."""
    renderer = changes.renderer or ("gan" if engine.neural is None else "neural")
    size = picture_size(engine, [renderer], changes.size)
    named = {field: getattr(changes, field) for field in ("shape", "texture", "background")}
    timings: dict[str, float] = {}
    items = 2 + sources.photographs(named)
    if changes.fidelity == "fit":
        fitting.check_room(engine)
        items = max(items, fitting.PICTURES)
    with engine.admit(items), metrics.stage("total", timings):
        try:
            taken = await reconstruction.take(engine, upload, timings)
        except ItemError as error:
            raise RequestError(422, error.code, f"image: {error.message}") from error
        parts = await sources.resolve(engine, named, timings)
        old = reconstruction.to_archive(taken)
        names = {field: ATTRIBUTES[field] for field in parts}
        new = {name: getattr(parts[field], name) for field, name in names.items()}
        scene = Scene.of(old._replace(**new))
        if changes.fidelity == "fit":
            with metrics.stage("fit", timings):
                shown = taken.seen.photograph.surroundings
                scene = await fitting.fitted(engine, scene, shown)
        scene = scene._replace(camera=_camera(old.camera, changes))
        with metrics.stage("draw", timings):
            if renderer != "gan" and changes.background is None:
                scene = _before_photograph(scene, taken)
            picture = (await render_scene(engine, scene, [renderer], size))[renderer]
        with metrics.stage("encode", timings):
            png = await engine.in_pool(images.encode_png, picture)
        keeping = await engine.in_pool(engine.kept.keep, old)
        identity = await keeping.done()
    return EditAnswer(
        image=png,
        id=identity,
        frame=schemas.Square(**taken.seen.photograph.frame._asdict()),
        camera_before=reconstruction.to_view(old.camera),
        camera=reconstruction.to_view(scene.camera),
        quality_flags=camera_flags(engine, scene.camera),
        renderer=renderer,
        size=size,
        timings=timings,
    )


def _camera(old: np.ndarray, changes: EditChanges) -> np.ndarray:
    if changes.camera is not None:
        return camera_row(changes.camera)
    turned = old.copy()
    turned[AZIMUTH] += changes.turn_degrees or 0
    return turned


def _before_photograph(scene: Scene, taken: Taken) -> Scene:
    """Before the old photograph itself, of whose object a trace is where the mask is above 0.1."""
    surroundings, hole = taken.seen.photograph.surroundings, taken.seen.mask > 0.1
    return scene._replace(background=surroundings, known_hole=hole)
