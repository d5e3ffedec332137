"""The rows of an ablation: which settings and images each changes of the full training."""

from collections.abc import Callable
from typing import Any, NamedTuple

from train.config.networks import InverseConfig

FULL = "full"
GENERATED, PLAIN_GAN = "generated", "plain_gan"
TRUE_VIEWS, SINGLE_PHOTOGRAPHS = "true_views", "single_photographs"
"""What stands in the place of the multi-view images."""


class Row(NamedTuple):
    """One training."""

    meaning: str
    changes: Callable[[InverseConfig], dict[str, Any]] = lambda full: {}
    """The settings of the full training -> those that differ."""
    images: str = GENERATED


ROWS = {
    FULL: Row("everything"),
    "one_view": Row(
        "the same images, each rendered into its own view only", lambda full: {"views": 1}
    ),
    "photographs_only": Row(
        "single view without a GAN: labelled photographs alone (the paper's PASCAL3D+ row)",
        lambda full: {"views": 1, "camera_learning_rate": 0},
        SINGLE_PHOTOGRAPHS,
    ),
    "generated_only": Row("no labelled photographs", lambda full: {"photographs": 0}),
    "plain_gan": Row(
        "round 0's images in the GAN's place: the plain GAN's, of annotated view codes",
        images=PLAIN_GAN,
    ),
    "plain_gan_only": Row(
        "the plain GAN's images without labelled photographs, as in the paper",
        lambda full: {"photographs": 0},
        PLAIN_GAN,
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
        images=TRUE_VIEWS,
    ),
}
