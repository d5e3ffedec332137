"""Whether silhouettes from several cameras can be those of one shape (measure of a generator).

The silhouettes carve a grid of voxels in the canonical box; the shape kept is the one whose own
silhouettes fit the given ones best. A visual hull (Laurentini 1994) keeps what every view covers;
since one bad view would carve all away, fewer views may suffice, and the best such number is taken.

Neither size nor distance has to be known, as one explains the other, nor the height at which the
object stands: the grid holds it anywhere. Its offset to the side is the same in all images of one
content code, and the mean of the silhouettes' centres all around the circle.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from graphics.camera import OFFSET_X, project
from train.metrics.mask_iou import mask_iou, solid

VOXELS_PER_PIXEL = 1.25
"""Along each side of [-1, 1]^3, so that every pixel meets some even of the nearest voxels."""
FEWEST_SHARE = 0.5  # more than this share of the views has to cover a voxel


class HullFit(NamedTuple):
    """How well shapes explain the silhouettes of one object."""

    iou: float
    """Mean over the views of the IoU of the best shape's silhouettes with the given ones, 0..1."""
    views_needed: int
    """Views that have to cover a voxel of that shape."""
    volume: float
    """Share of the grid that it fills."""
    pair_iou: float
    """Mean IoU over pairs of views a quarter of the circle apart, each pair with a shape of its
    own. Two views only show that the shape is as high and as low in both."""


class VisualHull:
    """A grid of voxels as K cameras see it."""

    def __init__(
        self,
        cameras: NDArray[np.floating],  # [K, 5] all around the circle, in order; K a multiple of 4
        size: int,
    ) -> None:
        """`size`: of the silhouettes, in pixels."""
        if len(cameras) < 4 or len(cameras) % 4:
            raise ValueError(f"{len(cameras)} cameras: 4, 8, 12 ..., all around the circle")
        voxels = round(VOXELS_PER_PIXEL * size)
        middles = (np.arange(voxels) + 0.5) * (2 / voxels) - 1
        grid = np.stack(np.meshgrid(middles, middles, middles, indexing="ij"), axis=-1)
        points = grid.reshape(1, -1, 3)  # [1, N, 3]
        exact = cameras.astype(np.float64)
        placed = [project(points, row[None]).vertices_image[0] for row in exact]
        x, y = np.stack(placed).transpose(2, 0, 1)  # [K, N] right and up
        rows = np.floor((1 - y) * (size / 2)).astype(np.int32)
        self.size, self.views = size, len(cameras)
        self.offset = float(cameras[:, OFFSET_X].mean())
        self.columns = ((x + 1) * (size / 2)).astype(np.float32)
        self.rows_within = (rows >= 0) & (rows < size)
        self.row_starts = rows * size

    def fit(
        self,
        silhouettes: NDArray[np.generic],  # [K, R, R] bool, coverage 0..255 or 0..1
    ) -> HullFit:
        """The shapes that explain the silhouettes of one object best."""
        covered = solid(silhouettes)
        if covered.shape != (self.views, self.size, self.size):
            raise ValueError(
                f"silhouettes have shape {covered.shape}; they must be "
                f"{(self.views, self.size, self.size)}: one image for each camera"
            )
        pixels = self._pixels(_sideways(covered) - self.offset)
        iou, needed, volume = _best(covered, pixels)
        pairs = [[view, (view + self.views // 4) % self.views] for view in range(self.views)]
        pair_iou = np.mean([_best(covered[pair], pixels[pair])[0] for pair in pairs])
        return HullFit(iou, needed, volume, float(pair_iou))

    def _pixels(self, shift: float) -> NDArray[np.int32]:  # [K, N]
        """The pixel in which each view sees each voxel; R² where it sees none."""
        size = self.size
        columns = np.floor(self.columns + np.float32(shift * size / 2)).astype(np.int32)
        within = (columns >= 0) & (columns < size) & self.rows_within
        return np.where(within, self.row_starts + columns, size * size)


def _best(
    covered: NDArray[np.bool_],  # [K, R, R]
    pixels: NDArray[np.int32],  # [K, N]
) -> tuple[float, int, float]:
    """The shape, of those that some views' silhouettes carve, that fits all views best."""
    votes = np.zeros(pixels.shape[1], np.int32)
    for view, indices in zip(covered, pixels, strict=True):
        # Beyond the image nothing is covered: one more pixel, which is empty.
        votes += np.append(view.reshape(-1), False)[indices]
    fits = []
    for needed in range(len(covered), int(FEWEST_SHARE * len(covered)), -1):
        inside = votes >= needed
        iou = mask_iou(_silhouettes(pixels[:, inside], covered.shape[-1]), covered).mean()
        fits.append((float(iou), needed, float(inside.mean())))
    return max(fits)


def _sideways(covered: NDArray[np.bool_]) -> float:
    """Mean x in [-1, 1] of the silhouettes' centres; 0 where all are empty."""
    size = covered.shape[-1]
    xs = (2 * np.arange(size) + 1) / size - 1
    areas = covered.sum(axis=(1, 2))
    centres = (covered.sum(axis=1) * xs).sum(axis=1) / np.maximum(areas, 1)
    return float(centres[areas > 0].mean()) if areas.any() else 0.0


def _silhouettes(pixels: NDArray[np.int32], size: int) -> NDArray[np.bool_]:  # [K, size, size]
    """The silhouettes of the voxels that lie in `pixels` [K, M]."""
    covered = np.zeros((len(pixels), size * size + 1), bool)
    for view, indices in zip(covered, pixels, strict=True):
        view[indices] = True
    return covered[:, :-1].reshape(-1, size, size)
