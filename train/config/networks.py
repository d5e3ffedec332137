"""Settings of the stages that train: GAN, inverse graphics network, StyleGAN-R."""

from dataclasses import dataclass
from typing import Literal

from train.config.refusal import require


@dataclass(frozen=True)
class GanConfig:
    """StyleGAN2 training; see `train/stages/gan.py`."""

    kimg: float = 1_000.0
    """Thousands of photographs shown to the unconditional GAN; 0 takes `init` as it is."""
    conditioned_kimg: float = 500.0
    """The same for the camera-conditioned GAN of each later round."""
    channels: int = 0
    """Channels of both networks at a side of r px: this over r, at most `most_channels` (StyleGAN2:
    32,768 and 512); 0: the light ones, which suit a CPU."""
    most_channels: int = 512
    code: int = 64
    """Numbers in z and in w (StyleGAN2: 512)."""
    view_layers: int = 0
    """Convolutions of the unconditional generator that follow the view code; 0: 4 at 32 px, 6 at
    more. At 64 px after 219 kimg the azimuth's deviation across contents, median over view codes,
    was 67° with 4, 57° with 5, 34° with 6, 30° with 7; what later rounds need of it is cameras."""
    batch_size: int = 32
    learning_rate: float = 2.5e-3
    """Adam (0, 0.99) of both networks (StyleGAN2, small images)."""
    gamma: float = 0.1
    """Weight of R1."""
    r1_every: int = 16
    """Steps between two R1 terms, each weighted as much more (StyleGAN2)."""
    mixing: float = 0.9
    """Share of unconditional images with two codes, cut at a random convolution (StyleGAN)."""
    ema_kimg: float = 3.0
    """Half-life of the averaged generator, or 5 % of what it has seen if that is less."""
    noise: bool = False
    """Noise inputs of every convolution (StyleGAN). Off: at 64 px the last level learned to draw
    its detail from noise by 24 kimg, and the multi-view data is made without any."""
    mirror: bool = False
    """Also show mirrored photographs."""
    augment: Literal["auto", "off", "adaptive"] = "auto"
    """Change what the discriminator sees, the more the better it knows the photographs by heart;
    auto: adaptive for fewer than 20,000 photographs of your own. There it is what keeps the
    discriminator from memorising; procedural ones are cheaper to add than to change."""
    augment_target: float = 0.6
    """Mean sign of photographs' logits that the strength is steered to (Karras et al. 2020)."""
    augment_kimg: float = 500.0
    """Thousands of images in which the probability of a change can go from 0 to 1 (the same)."""
    init: str = "scratch"
    """`scratch`, `shipped`, or a folder that holds generator and discriminator.safetensors."""
    checkpoint: str = ""
    """A folder that `train.import_stylegan` wrote: round 0 takes its networks as they are."""
    warm_start: bool = True
    """The first camera-conditioned GAN goes on from round 0's weights instead of `init`."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """auto: bfloat16 where the hardware computes it."""
    processes: int = 0
    """Processes that share each batch; 0: those that torchrun started, else one per GPU, or on the
    CPU one, whose threads share the work better."""
    snapshot_kimg: int = 25
    """Thousands of images between two picture grids."""

    def __post_init__(self) -> None:
        require(
            min(self.kimg, self.conditioned_kimg) >= 0,
            "gan.kimg and gan.conditioned_kimg: 0 or more",
        )
        require(self.batch_size >= 2, f"gan.batch_size={self.batch_size}: at least 2")
        require(
            self.channels == 0 or self.channels >= 512,
            f"gan.channels={self.channels}: 0, or 512 and more, one at 512 px",
        )
        require(
            min(self.most_channels, self.code) >= 1, "gan.most_channels and gan.code: at least 1"
        )
        require(self.view_layers >= 0, f"gan.view_layers={self.view_layers}: 0 or more")
        require(self.processes >= 0, f"gan.processes={self.processes}: 0 or more")
        require(self.r1_every >= 1, f"gan.r1_every={self.r1_every}: at least 1")
        require(0 <= self.mixing <= 1, f"gan.mixing={self.mixing}: 0..1")
        require(
            -1 < self.augment_target < 1, f"gan.augment_target={self.augment_target}: within -1..1"
        )
        require(self.augment_kimg > 0, f"gan.augment_kimg={self.augment_kimg}: above 0")
        require(self.snapshot_kimg >= 1, f"gan.snapshot_kimg={self.snapshot_kimg}: at least 1")


MOST_SUBDIVISIONS = 5
"""Of the sphere template: 10,242 vertices."""


@dataclass(frozen=True)
class InverseConfig:
    """The inverse graphics network (paper 3.2, eq. 1 and 2)."""

    steps: int = 3_000
    first_steps: int = 0
    """Steps of round 0 if further rounds follow: enough to label cameras, as the views of its data
    are not yet of one object; 0: as many as `steps`."""
    batch_size: int = 16
    """Objects per step; each gives `views` images."""
    views: int = 2
    """Views of one object, predicted and rendered crosswise; 1: the single-view baseline."""
    photographs: int = 8
    """Photographs in each step from round 1 on, with the cameras that stage `cameras` read."""
    learning_rate: float = 5e-4
    camera_learning_rate: float = 5e-3
    """For the optimised cameras of the viewpoint codes, if each is seen 600 times or more; those
    seen less go faster by as much. 0: they stay where they are."""
    width: int = 32
    """A quarter of the encoder's most channels."""
    template_level: int = 3
    """Subdivisions of the icosphere: 3 gives 642 vertices."""
    texture_size: int = 64
    """Height of the texture; it is twice as wide."""
    symmetric: bool = True
    """Mirror-symmetric shapes and textures. The service paints the far side with the mirrored
    photograph, so a network without symmetry is for comparison and is not exported."""
    anew: bool = False
    """Start from fresh weights in every round, not from the previous round's."""
    perceptual_after: int = 300
    """Steps before the perceptual term joins (paper: 3,000 of 200,000)."""
    color_weight: float = 20.0
    perceptual_weight: float = 0.5
    mask_weight: float = 10.0
    """Paper: 3."""
    flatten_weight: float = 5.0
    laplacian_weight: float = 5.0
    movement_weight: float = 2.5
    camera_weight: float = 1.0
    """Of the camera head against the optimised cameras (ours)."""
    sigmainv: float = 7_000.0
    """Sharpness of the soft mask at the start (DIB-R's default)."""
    last_sigmainv: float = 60_000.0
    """The same at the end, risen to evenly in the logarithm. Soft edges reach vertices that are far
    off, and draw shapes a third of a pixel too small all around: at 64 px a twentieth of them."""
    vgg: str = ""
    """A safetensors file of VGG-16 weights for the perceptual term; else our discriminator's."""
    processes: int = 0
    """Processes that share each step's objects; 0: those that torchrun started, else one per GPU,
    or per CPU core with 8 images."""

    def __post_init__(self) -> None:
        for name in ("steps", "batch_size", "width"):
            value = getattr(self, name)
            require(value >= 1, f"inverse.{name}={value}: at least 1")
        for name in ("first_steps", "photographs", "processes", "perceptual_after"):
            value = getattr(self, name)
            require(value >= 0, f"inverse.{name}={value}: 0 or more")
        require(self.views in (1, 2), f"inverse.views={self.views}: 1 or 2")
        require(
            self.learning_rate > 0 and self.camera_learning_rate >= 0,
            f"inverse.learning_rate={self.learning_rate:g} and "
            f"camera_learning_rate={self.camera_learning_rate:g}: above 0, and 0 or more",
        )
        require(
            1 <= self.template_level <= MOST_SUBDIVISIONS,
            f"inverse.template_level={self.template_level}: 1 to {MOST_SUBDIVISIONS}",
        )
        size = self.texture_size
        require(
            size >= 16 and size & (size - 1) == 0,
            f"inverse.texture_size={size}: a power of two, at least 16",
        )
        require(
            0 < self.sigmainv <= self.last_sigmainv,
            f"inverse.sigmainv={self.sigmainv:g} and last_sigmainv={self.last_sigmainv:g}: "
            "above 0, the last not below the first",
        )


@dataclass(frozen=True)
class DisentangleConfig:
    """StyleGAN-R: mapping networks and selectors (paper 3.3, eq. 3-6).

    The paper's learning rate of 1e-5 is for networks a hundred times larger; these were tried.
    """

    images: int = 4_000
    """Multi-view images that it is taught from, whole objects at a time."""
    warmup_steps: int = 900
    """Eq. 5, the generator frozen (paper: 700)."""
    warmup_batch_size: int = 32
    warmup_learning_rate: float = 2e-3
    entropy_weight: float = 0.05
    """Of the selectors' entropy, a share of its largest value."""
    steps: int = 280
    """Eq. 6, generator and mapping networks together (paper: 2,500)."""
    batch_size: int = 16
    """A multiple of 4: half are images of one object each, half are mixed."""
    learning_rate: float = 3e-4
    shape_weight: float = 2.0
    texture_weight: float = 1.0
    background_weight: float = 0.2
    """Of both background terms of eq. 6."""
    camera_weight: float = 0.5
    """Of the camera read back (ours)."""
    image_anchor: float = 2.0
    """Of the synthesised image against the one whose codes were given (ours)."""
    style_anchor: float = 0.5
    """Of eq. 5's style distance, kept during fine-tuning (ours)."""
    view_dimensions: int = 144
    """Dimensions that the camera takes over in an unconditional GAN (paper: 144 of 2048)."""
    conditioned_view_dimensions: int = 4_096
    """The same in a camera-conditioned one, where it takes nothing away; more than there are: all.

    Measured at 32 px, 400 steps: azimuth read 3.3° off with all 512, 11.7° off with 144.
    """

    def __post_init__(self) -> None:
        require(
            self.batch_size >= 8 and self.batch_size % 4 == 0,
            f"disentangle.batch_size={self.batch_size}: a multiple of 4, at least 8",
        )
        require(
            min(self.view_dimensions, self.conditioned_view_dimensions) >= 1,
            "disentangle.view_dimensions and conditioned_view_dimensions: at least 1",
        )
        require(self.images >= 64, f"disentangle.images={self.images}: at least 64")
