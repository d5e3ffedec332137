"""The training set of StyleGAN-R: multi-view images with cameras, shapes, textures and styles."""

from typing import NamedTuple

import torch
from torch import Tensor

ERASED = 128 / 255  # value of the object's pixels in a background image


class Codes(NamedTuple):
    """M images; row i of every field belongs to image i."""

    images: Tensor  # uint8 [M, 3, R, R]
    masks: Tensor  # uint8 [M, R, R], 255 on the object
    objects: Tensor  # [M] content code of each image
    viewpoints: Tensor  # [M] viewpoint of each image
    cameras: Tensor  # [M, 5] V: the viewpoint's optimised camera
    vertices: Tensor  # [M, V, 3] S: predicted by the inverse graphics network
    textures: Tensor  # uint8 [M, 3, Ht, Wt] T: predicted by the inverse graphics network
    styles: Tensor  # [M, N] w*: the style vector that made the image

    def of(self, chosen: Tensor) -> "Codes":
        """The images of an index or a bool mask [M]."""
        return Codes(*(field[chosen] for field in self))


class Inputs(NamedTuple):
    """Inputs of StyleGAN-R for B images."""

    cameras: Tensor  # [B, 5] V
    vertices: Tensor  # [B, V, 3] S
    textures: Tensor  # [B, 3, Ht, Wt] T in 0..1
    backgrounds: Tensor  # [B, 3, R, R] B in 0..1, the object erased


def as_images(pixels: Tensor) -> Tensor:
    """uint8 -> float32 in 0..1."""
    return pixels.float() / 255.0


def as_pixels(images: Tensor) -> Tensor:
    """0..1 -> uint8."""
    return (images * 255.0).round().clamp(0, 255).to(torch.uint8)


def erase_object(
    images: Tensor,  # [B, 3, R, R] in 0..1
    masks: Tensor,  # [B, R, R] in 0..1
) -> Tensor:  # [B, 3, R, R]
    """B: the image with the object masked out."""
    weights = masks[:, None].expand_as(images).to(images.dtype)  # autocast lowers masks alone
    return torch.lerp(images, torch.full_like(images, ERASED), weights)


class CodeSampler:
    """Samples training examples from `codes`; all randomness comes from `random`."""

    def __init__(self, codes: Codes, random: torch.Generator) -> None:
        self.codes, self.random = codes, random
        objects = codes.objects.cpu()
        order = torch.argsort(objects, stable=True)
        _, counts = torch.unique_consecutive(objects[order], return_counts=True)
        starts = counts.cumsum(0) - counts
        self.order = order
        """[M] image indices, sorted by object."""
        self.first, self.count = torch.empty_like(order), torch.empty_like(order)
        """[M] where an image's object begins in `order`, and how many images it has."""
        self.first[order] = starts.repeat_interleave(counts)
        self.count[order] = counts.repeat_interleave(counts)

    def sample(self, batch: int) -> Tensor:  # [B]
        """Indices of images."""
        return torch.randint(len(self.order), (batch,), generator=self.random)

    def other_views(self, indices: Tensor) -> Tensor:  # [B] -> [B]
        """For each image one of the same object: mostly another view, sometimes itself."""
        fraction = torch.rand(len(indices), generator=self.random)
        steps = (fraction * self.count[indices]).long()
        return self.order[self.first[indices] + steps]

    def covered_masks(self, indices: Tensor) -> Tensor:  # [B] -> [B, R, R] 0 or 1
        """Masks to erase; in half the images the mask of another object too.

        g_b then cannot infer a shape or a camera from the hole in the background (ours).
        """
        chosen = torch.rand(len(indices), generator=self.random) < 0.5
        others = torch.where(chosen, self.sample(len(indices)), indices)
        masks = self.codes.masks
        return torch.maximum(masks[indices], masks[others]).gt(127).float()

    def inputs(
        self,
        viewpoints: Tensor,  # [B] images that give the camera V
        shapes: Tensor,  # [B] images that give the shape S
        textures: Tensor,  # [B] images that give the texture T
        backgrounds: Tensor,  # [B] images that give the background B
    ) -> Inputs:
        """V, S, T and B, each of an image of its own."""
        return inputs_of(
            self.codes,
            (viewpoints, shapes, textures, backgrounds),
            self.covered_masks(backgrounds),
        )


def inputs_of(
    codes: Codes,
    sources: tuple[Tensor, Tensor, Tensor, Tensor],  # each [B]: images that give V, S, T, B
    masks: Tensor | None = None,  # [B, R, R] to erase; default: the background image's own
) -> Inputs:
    """Inputs of StyleGAN-R from images of `codes`."""
    viewpoints, shapes, textures, backgrounds = sources
    if masks is None:
        masks = codes.masks[backgrounds].gt(127).float()
    return Inputs(
        codes.cameras[viewpoints],
        codes.vertices[shapes],
        as_images(codes.textures[textures]),
        erase_object(as_images(codes.images[backgrounds]), masks),
    )
