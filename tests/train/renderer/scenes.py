"""Random triangles in front of a camera, for the renderer's tests."""

import torch


def random_triangles(batch=2, faces=14, dtype=torch.float64, seed=0, size=0.35):
    """z [B, F, 3], corners [B, F, 3, 2] with some faces partly or wholly off the image, features
    [B, F, 3, 4], normals z [B, F] of both signs."""
    generator = torch.Generator().manual_seed(seed)

    def normal(*shape):
        return torch.randn(*shape, generator=generator, dtype=torch.float64)

    centres = 2.4 * torch.rand(batch, faces, 1, 2, generator=generator, dtype=torch.float64) - 1.2
    corners = centres + size * normal(batch, faces, 3, 2)
    z, features = normal(batch, faces, 3) - 5, normal(batch, faces, 3, 4)
    normals_z = normal(batch, faces)
    return tuple(part.to(dtype) for part in (z, corners, features, normals_z))
