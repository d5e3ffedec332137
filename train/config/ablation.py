"""The rows of an ablation: which settings and images each changes of the full training."""

from collections.abc import Callable
from typing import Any, Literal, NamedTuple

from train.config.networks import InverseConfig

FULL = "full"
"""The row that changes nothing."""


class Row(NamedTuple):
    """One training."""

    meaning: str
    changes: Callable[[InverseConfig], dict[str, Any]] = lambda full: {}
    """The settings of the full training -> those that differ."""
    images: Literal["generated", "plain_gan", "true_views", "single_photographs"] = "generated"
    """The multi-view images, or what takes their place."""


ROWS = {
    FULL: Row("everything"),
    "one_view": Row(
        "the same images, each rendered into its own view only", lambda full: {"views": 1}
    ),
    "photographs_only": Row(
        "single view without a GAN: labelled photographs alone (the paper's PASCAL3D+ row)",
        lambda full: {"views": 1, "camera_learning_rate": 0},
        "single_photographs",
    ),
    "generated_only": Row("no labelled photographs", lambda full: {"photographs": 0}),
    "plain_gan": Row(
        "round 0's images in the GAN's place: the plain GAN's, of annotated view codes",
        images="plain_gan",
    ),
    "plain_gan_only": Row(
        "the plain GAN's images without labelled photographs, as in the paper",
        lambda full: {"photographs": 0},
        "plain_gan",
    ),
    "fixed_cameras": Row(
        "the viewpoints' cameras stay as asked for", lambda full: {"camera_learning_rate": 0}
    ),
    "no_perceptual": Row(
        "without the perceptual term", lambda full: {"perceptual_after": full.steps}
    ),
    "no_symmetry": Row(
        "both sides of shape and texture are free", lambda full: {"symmetric": False}
    ),
    "soft_edges": Row(
        "sigmainv stays at its first value", lambda full: {"last_sigmainv": full.sigmainv}
    ),
    "true_views": Row(
        "true renders of as many training vehicles take the GAN's place: its upper bound",
        images="true_views",
    ),
}
