"""Settings of the stages that train: GAN, inverse graphics network, StyleGAN-R."""

from dataclasses import dataclass
from typing import Annotated, Literal

import tyro
from annotated_types import Ge, Gt, Le, Lt

from train.config.section import (
    AtLeast0,
    AtLeast1,
    AtLeast2,
    File,
    Folder,
    NotNegative,
    Positive,
    Section,
    Share,
)


@dataclass(frozen=True)
class GanConfig(Section):
    """StyleGAN2 training; see `train/stages/gan.py`."""

    kimg: NotNegative = 1_000.0
    """Thousands of photographs shown to the unconditional GAN; 0 takes `init` as it is."""
    conditioned_kimg: NotNegative = 500.0
    """Thousands of photographs shown to the camera-conditioned GAN of each later round; 0 takes
    what it starts from as it is."""
    channels: AtLeast0 = 0
    """Channels of both networks at a side of r px: this over r, at most `most_channels` (StyleGAN2:
    32768 and 512), at least 512; 0: the light ones, which suit a CPU."""
    most_channels: AtLeast1 = 512
    """Most channels of any level, where `channels` is not 0."""
    code: AtLeast1 = 64
    """Dimensions of z and of w (StyleGAN2: 512)."""
    view_layers: AtLeast0 = 0
    """Convolutions of the unconditional generator that follow the view code; 0: 4 at 32 px, 6 at
    more. At 64 px after 219 kimg the azimuth's deviation across contents, median over view codes,
    was 67 degrees with 4, 57 with 5, 34 with 6, 30 with 7. Later rounds need its cameras."""
    batch_size: AtLeast2 = 32
    """Photographs per step."""
    learning_rate: Positive = 2.5e-3
    """Adam (0, 0.99) of both networks (StyleGAN2, small images)."""
    gamma: NotNegative = 0.1
    """Weight of R1."""
    r1_every: AtLeast1 = 16
    """Steps between two R1 terms, each weighted as much more (StyleGAN2)."""
    mixing: Share = 0.9
    """Share of unconditional images with two codes, cut at a random convolution (StyleGAN)."""
    ema_kimg: Positive = 3.0
    """Half-life of the averaged generator in thousands of images, or 5 % of what it has seen if
    that is less."""
    noise: bool = False
    """Noise inputs of every convolution (StyleGAN). Off: at 64 px the last level learned to make
    its detail from noise by 24 kimg, and the multi-view data is made without any."""
    mirror: bool = False
    """Also show mirrored photographs."""
    augment: Literal["auto", "off", "adaptive"] = "auto"
    """Change what the discriminator sees, the more the further it overfits. auto: adaptive for
    fewer than 20000 photographs of your own, where it is what keeps the discriminator from
    memorising; procedural ones are cheaper to add than to change."""
    augment_target: Annotated[float, Gt(-1), Lt(1)] = 0.6
    """Mean sign of photographs' logits that the strength is steered to (Karras et al. 2020)."""
    augment_kimg: Positive = 500.0
    """Thousands of images in which the probability of a change can go from 0 to 1 (Karras et al.
    2020)."""
    init: str = "scratch"
    """`scratch`, `shipped`, or a folder that holds generator and discriminator.safetensors."""
    checkpoint: Folder = ""
    """A folder that `train.import_stylegan` wrote: round 0 takes its networks as they are."""
    warm_start: bool = True
    """The first camera-conditioned GAN goes on from round 0's weights instead of `init`."""
    precision: Literal["auto", "float32", "bfloat16"] = "auto"
    """Precision of the forward passes. auto: bfloat16 where the hardware computes it."""
    processes: AtLeast0 = 0
    """Processes that share each batch; 0: those that torchrun started, else one per GPU, or on the
    CPU one, whose threads share the work better."""
    snapshot_kimg: AtLeast1 = 25
    """Thousands of images between two picture grids."""

    def __post_init__(self) -> None:
        super().__post_init__()
        enough = self.channels == 0 or self.channels >= 512
        self.require(enough, "channels", "0, or 512 and more, one at 512 px")

    def continues(self, round: int) -> bool:
        """Whether a round's generator goes on from that of the round before."""
        return round > 1 or (round == 1 and self.warm_start)


@dataclass(frozen=True)
class InverseConfig(Section):
    """The inverse graphics network (paper 3.2, eq. 1 and 2)."""

    steps: AtLeast1 = 3_000
    """Training steps of a round."""
    first_steps: AtLeast0 = 0
    """Training steps of round 0 if further rounds follow: enough to label cameras, as the views of
    its data are not yet of one object; 0: as many as `steps`."""
    batch_size: AtLeast1 = 16
    """Objects per step; each gives `views` images."""
    views: Literal[1, 2] = 2
    """Views of one object, predicted and rendered crosswise; 1: the single-view baseline."""
    photographs: AtLeast0 = 8
    """Photographs in each step from round 1 on, with the cameras that stage cameras estimated."""
    size: Literal[32, 64, 128, 256] = 128
    """Side in pixels of the images that the network reads, and of those the service cuts out.
    Smaller ones are enlarged; rendered and compared are those of the photographs' size."""
    cutouts: AtLeast0 = 24
    """Cut-outs in each step, `views` of each object, where stage cutouts made any."""
    photographed_share: Share = 0.3
    """Share of labelled photographs among these cut-outs."""
    learning_rate: Positive = 5e-4
    """Adam's, of the network."""
    camera_learning_rate: NotNegative = 5e-3
    """Adam's, of the optimised cameras of the viewpoint codes, if each is seen 600 times or more;
    those seen less go faster by as much. 0: they stay where they are."""
    width: AtLeast1 = 32
    """A quarter of the encoder's most channels."""
    template_level: Annotated[int, Ge(1), Le(5)] = 3
    """Subdivisions of the icosphere: 3 gives 642 vertices."""
    texture_size: Annotated[int, Ge(16)] = 64
    """Height of the texture in texels, a power of two; it is twice as wide."""
    template: Annotated[str, tyro.conf.arg(aliases=["--template"], metavar="FILE")] = ""
    """A closed mesh with uvs to start shapes from, of any number of holes: OBJ, GLB, glTF, PLY or
    COLLADA, y up, the front towards +z. Empty: a sphere of `template_level`."""
    symmetric: Literal["x", "none"] = "x"
    """x: shapes and textures are mirror images of themselves from left to right. none: both sides
    are free, and the service paints no far side with the mirrored photograph. Textures on a
    template of your own are symmetric where its uvs are: mirrored at u = 0.5."""
    anew: bool = False
    """Start from fresh weights in every round, not from the previous round's."""
    perceptual_after: AtLeast0 = 300
    """Steps before the perceptual term joins (paper: 3000 of 200000)."""
    color_weight: float = 20.0
    """Weight of the colours' L1 difference (paper: 20)."""
    perceptual_weight: float = 0.5
    """Weight of the perceptual term (paper: 0.5)."""
    mask_weight: float = 10.0
    """Weight of the silhouette's IoU term (paper: 3)."""
    flatten_weight: float = 5.0
    """Weight of the flattening term (paper: 5)."""
    laplacian_weight: float = 5.0
    """Weight of the Laplacian term (paper: 5)."""
    movement_weight: float = 2.5
    """Weight of the vertices' movement (paper: 2.5)."""
    camera_weight: float = 1.0
    """Weight of the camera head against the optimised cameras (ours)."""
    sigmainv: Positive = 7_000.0
    """Sharpness of the soft mask at the start (DIB-R's default)."""
    last_sigmainv: Positive = 60_000.0
    """Sharpness of the soft mask at the end, risen to evenly in the logarithm. Soft edges reach
    vertices that are far off, and make shapes a third of a pixel too small all around: at 64 px a
    twentieth of them."""
    vgg: File = ""
    """A safetensors file of VGG-16 weights for the perceptual term; empty: the features of our
    discriminator."""
    processes: AtLeast0 = 0
    """Processes that share each step's objects; 0: those that torchrun started, else one per GPU,
    or per CPU core with 8 images."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.texture_size.bit_count() == 1, "texture_size", "a power of two")
        least = f">= {self.flag('sigmainv')} ({self.sigmainv:g})"
        self.require(self.sigmainv <= self.last_sigmainv, "last_sigmainv", least)


@dataclass(frozen=True)
class DisentangleConfig(Section):
    """StyleGAN-R: mapping networks and selectors (paper 3.3, eq. 3-6).

    The paper's learning rate of 1e-5 is for networks a hundred times larger; these were tried.
    """

    images: Annotated[int, Ge(64)] = 4_000
    """Multi-view images of its training set, whole objects at a time."""
    warmup_steps: AtLeast0 = 1_500
    """Training steps of eq. 5, the generator frozen (paper: 700)."""
    warmup_batch_size: AtLeast1 = 32
    """Images per step of eq. 5."""
    warmup_learning_rate: Positive = 2e-3
    """Adam's, in eq. 5."""
    entropy_weight: float = 0.05
    """Weight of the selectors' entropy, as a share of its largest value."""
    steps: AtLeast0 = 600
    """Training steps of eq. 6, generator and mapping networks together (paper: 2500)."""
    batch_size: Annotated[int, Ge(8)] = 16
    """Images per step of eq. 6, a multiple of 4: half are images of one object each, half are
    mixed."""
    learning_rate: Positive = 3e-4
    """Adam's, in eq. 6."""
    colour_weight: float = 4.0
    """Weight of the colours' L1 difference from the image whose codes were given (ours)."""
    feature_weight: float = 0.2
    """Weight of the difference from it in the features of the GAN's discriminator (ours)."""
    drawn_object_weight: NotNegative = 2.0
    """Weight of a mixture's object against how the graphics renderer draws it (ours)."""
    drawn_background_weight: NotNegative = 6.0
    """Weight of what is around it against the photograph that it stands in (ours)."""
    shape_weight: NotNegative = 0.0
    """Weight of the shape's consistency in eq. 6."""
    texture_weight: NotNegative = 0.0
    """Weight of the texture's consistency in eq. 6."""
    background_weight: NotNegative = 0.0
    """Weight of both background terms of eq. 6."""
    camera_weight: NotNegative = 0.0
    """Weight of the camera estimated from the image, beside eq. 6 (ours)."""
    adversary_weight: NotNegative = 0.2
    """Weight of a discriminator that goes on from the GAN's and judges pictures; 0: none (ours)."""
    adversary_learning_rate: Positive = 1e-3
    """Adam's, of that discriminator."""

    @property
    def reads_back(self) -> bool:
        """Whether equation 6 is asked for: a picture has to be read again for it."""
        weights = (
            self.shape_weight, self.texture_weight, self.background_weight, self.camera_weight
        )  # fmt: skip
        return any(weights)

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(self.batch_size % 4 == 0, "batch_size", "a multiple of 4")


@dataclass(frozen=True)
class NeuralConfig(Section):
    """The neural renderer: the graphics renderer's layers to a photograph (ours)."""

    images: Annotated[int, Ge(64)] = 4_000
    """Multi-view images of its training set, whole objects at a time."""
    steps: AtLeast1 = 2_000
    """Training steps."""
    batch_size: AtLeast1 = 8
    """Pairs of views per step, and as many mixtures of four images."""
    learning_rate: Positive = 2e-3
    """Adam's, falling to 0 along half a cosine."""
    width: AtLeast1 = 16
    """Channels of the U-Net's finest resolution."""
    colour_weight: float = 4.0
    """Weight of the colours' L1 difference."""
    feature_weight: float = 0.4
    """Weight of the difference in the features of the GAN's discriminator."""
    adversary_weight: NotNegative = 0.0
    """Weight of a discriminator that goes on from the GAN's and judges mixtures; 0: none."""
    adversary_learning_rate: Positive = 1e-3
    """Adam's, of that discriminator."""
