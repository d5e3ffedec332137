"""Shape, texture, camera and background of images: the frozen networks of equation 6."""

from typing import NamedTuple

from torch import Tensor, nn

from train.data.codes import erase_object
from train.models.inverse_graphics import InverseGraphics
from train.models.segmenter import Segment


class ReadBack(NamedTuple):
    """Predictions for B images; the bars of equation 6."""

    vertices: Tensor  # [B, V, 3] S̄
    textures: Tensor  # [B, 3, Ht, Wt] T̄ in 0..1
    cameras: Tensor  # [B, 5], by the camera head
    masks: Tensor  # [B, R, R] soft, in 0..1
    backgrounds: Tensor  # [B, 3, R, R] B̄ in 0..1, the object erased by the soft mask


class FrozenEncoder:
    """The segmenter and the inverse graphics network, frozen but differentiable.

    An ONNX segmenter gives no gradient: its masks are then constants.
    """

    def __init__(self, segment: Segment, inverse: InverseGraphics) -> None:
        inverse.eval().requires_grad_(False)
        if isinstance(segment, nn.Module):
            segment.eval().requires_grad_(False)
        self.segment, self.inverse = segment, inverse

    def __call__(self, images: Tensor) -> ReadBack:  # [B, 3, R, R] in about 0..1
        """Predict shape, texture, camera, mask and background."""
        images = images.clamp(0.0, 1.0)
        masks = self.segment(images)
        prediction = self.inverse(images, masks[:, None])
        return ReadBack(
            prediction.vertices,
            prediction.textures,
            prediction.cameras,
            masks,
            erase_object(images, masks),
        )
