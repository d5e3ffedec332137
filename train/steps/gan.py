"""StyleGAN2 training, one step at a time, in any number of processes.

Every process samples the same batch and takes its shard, every n-th image, which keeps the groups
of the minibatch deviation together. But for the order of sums the result does not depend on the
number of processes, and another number can go on from a checkpoint.
"""

import copy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from train.config import ConfigError, GanConfig
from train.data.stream import PhotographStream, RealBatch, moved
from train.losses.adversarial import discriminator_loss, generator_loss, generator_share, r1_penalty
from train.models.discriminator import Discriminator
from train.models.generator import Generator
from train.models.layers import channels_last
from train.running.device import Device
from train.steps.gan_augmentation import AdaptiveAugmentation, Changes, sample_changes, seen
from train.steps.gan_graphs import StepGraphs


class Codes(NamedTuple):
    """Codes of a batch of fakes."""

    content: Tensor  # z [B, code]
    view: Tensor  # z [B, code] (unconditional), or cameras [B, 5]
    cut: int | Tensor | None
    """Convolutions that follow the view code; None: the generator's own number."""


class Judged(NamedTuple):
    """Results of an update of the networks, for this process's shard of the batch."""

    loss_g: Tensor
    loss_d: Tensor
    real_logits: Tensor
    fake_logits: Tensor
    r1: Tensor


class StepMetrics(NamedTuple):
    """Scalars of one step, named as in stats.jsonl."""

    loss_g: Tensor
    loss_d: Tensor
    logit_real: Tensor
    logit_fake: Tensor
    r1: Tensor
    augment_p: float  # probability of each change of adaptive augmentation; 0 without it


class GanTraining:
    """Both networks, the average, both optimisers and the random state: one step at a time."""

    def __init__(
        self,
        settings: GanConfig,
        generator: Generator,
        discriminator: Discriminator,
        seed: int,
        device: Device | None = None,
        *,
        augment: bool = False,
    ) -> None:
        """`device`: of this process, where there are several; `seed`: the same in all of them;
        `augment`: adaptive discriminator augmentation."""
        self.settings = settings
        self.device = device or Device(settings.precision)
        if settings.batch_size % (2 * self.device.processes):
            raise ConfigError(
                f"--gan.batch-size {settings.batch_size}: a multiple of twice --gan.processes "
                f"({self.device.processes})"
            )
        self.on_gpu = self.device.device.type == "cuda"
        self.generator = channels_last(generator, self.device.device)
        self.discriminator = channels_last(discriminator, self.device.device)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.parts: dict[str, Any] = {"generator": self.generator, "average": self.average}
        self.parts["discriminator"] = self.discriminator
        networks = (self.generator, self.discriminator)
        self.optimisers = [self._optimiser(network) for network in networks]
        self.rng = torch.Generator().manual_seed(seed)
        self.noise_rng = torch.Generator(self.device.device).manual_seed(seed + 1)
        self.r1 = torch.zeros((), device=self.device.device)
        self.augmentation = None
        if augment:
            self.augmentation = AdaptiveAugmentation(
                settings.augment_target, settings.augment_kimg, settings.batch_size, self.device
            )
            self.parts["augmentation"] = self.augmentation
        # Changes and noise are sampled anew in every step, and gradients wait for other processes.
        replayed = self.on_gpu and not (augment or settings.noise or self.device.processes > 1)
        self.graphs = StepGraphs(self._replayable) if replayed else None

    def _optimiser(self, network: nn.Module) -> torch.optim.Adam:
        return torch.optim.Adam(
            network.parameters(),
            lr=self.settings.learning_rate,
            betas=(0.0, 0.99),
            fused=True,
            capturable=self.on_gpu,
        )

    def sample_codes(self, stream: PhotographStream) -> Codes:
        """Codes of the next fakes."""
        batch, shape = self.settings.batch_size, self.generator.shape
        content = torch.randn((batch, shape.code), generator=self.rng)
        cameras = stream.sample_cameras(batch, self.rng)
        if cameras is not None:
            return Codes(content, cameras, None)
        other = torch.randn((batch, shape.code), generator=self.rng)
        if torch.rand((), generator=self.rng) >= self.settings.mixing:
            return Codes(content, content, None)
        last = self.generator.convolution_count
        return Codes(content, other, int(torch.randint(1, last, (), generator=self.rng)))

    def fakes(self, codes: Codes) -> Tensor:  # [B, 3, R, R]
        """Images of the training generator, differentiable."""
        content = self.generator.mapping(codes.content)
        self.generator.mapping.track_mean(content)
        mapping = self.generator.camera_mapping or self.generator.mapping
        styles = self.generator.styles(content, mapping(codes.view), codes.cut)
        noise = "random" if self.settings.noise else None
        with self.device.autocast():  # codes and styles stay in float32, which costs nothing
            return self.generator.synthesize(styles, noise, self.noise_rng)

    def step(self, stream: PhotographStream, step: int) -> StepMetrics:
        """One update of both networks from the same fakes.

        The discriminator sees fakes and photographs in one pass, and its loss goes back once, to
        its weights and to the fakes' pixels. The gradient of a logit reaches its own image alone
        (see `minibatch_deviation`). One factor per fake thus turns the discriminator's gradient
        into the generator's, and both networks are updated at once. The metrics are those of this
        process's shard of the batch.
        """
        codes, real = self._sample_shard(stream)
        regularise = step % self.settings.r1_every == 0
        if self.graphs is None:
            judged = self._update(codes, real, regularise)
        else:
            inputs: Any = (*codes, real.images) if real.cameras is None else (*codes, *real)
            judged = Judged(*self.graphs(inputs, regularise))
        if regularise:
            self.r1 = judged.r1.clone()  # which further steps may overwrite
        if self.augmentation is not None:
            self.augmentation.adjust(step, judged.real_logits)
        self._update_average(step)
        return StepMetrics(
            judged.loss_g,
            judged.loss_d,
            judged.real_logits.mean(),
            judged.fake_logits.mean(),
            self.r1,
            0.0 if self.augmentation is None else self.augmentation.probability,
        )

    def _replayable(self, inputs: tuple[Tensor, ...], regularise: bool) -> Judged:
        content, view, cut, images, *cameras = inputs
        real = RealBatch(images, cameras[0] if cameras else None)
        return self._update(Codes(content, view, cut), real, regularise)

    def _update(self, codes: Codes, real: RealBatch, regularise: bool) -> Judged:
        """All of a step but the averaging of the weights."""
        fakes = self.fakes(codes)
        pixels = fakes.detach().requires_grad_()
        cameras = codes.view if self.discriminator.camera_conditioned else None
        shown, real = self._show(pixels, cameras), self._show(*real)
        images, both = torch.cat([shown.images, real.images]), None
        if shown.cameras is not None and real.cameras is not None:
            both = torch.cat([shown.cameras, real.cameras])
        with self.device.autocast():
            logits = self.discriminator(images, both, batches=2).float()
        fake_logits, real_logits = logits.tensor_split(2)
        loss_d = discriminator_loss(real_logits, fake_logits)
        torch.autograd.backward(loss_d, inputs=[*self.discriminator.parameters(), pixels])
        factors = generator_share(fake_logits.detach())
        assert pixels.grad is not None  # the discriminator's loss has just given it
        fakes.backward(pixels.grad * factors[:, None, None, None])
        r1 = self._regularise(real) if regularise else self.r1
        parameters = (*self.generator.parameters(), *self.discriminator.parameters())
        self.device.average([p.grad for p in parameters if p.grad is not None])
        self.device.average([b for b in self.generator.buffers() if b.is_floating_point()])
        for optimiser in self.optimisers:
            optimiser.step()
            optimiser.zero_grad()
        real_logits, fake_logits = real_logits.detach(), fake_logits.detach()
        return Judged(generator_loss(fake_logits), loss_d.detach(), real_logits, fake_logits, r1)

    def _sample_shard(self, stream: PhotographStream) -> tuple[Codes, RealBatch]:
        """This process's shard of the next codes and photographs."""
        size, device = self.settings.batch_size, self.device.device
        shard = self.device.shard(size)
        codes, real = self.sample_codes(stream), stream.sample(size, self.rng, shard, device)
        cut = codes.cut
        if self.graphs is not None:  # which are recorded once for every cut
            cut = self.generator.shape.view_layers if cut is None else cut
            cut = moved(torch.tensor(cut), device)
        content, view = (moved(code[shard], device) for code in (codes.content, codes.view))
        return Codes(content, view, cut), real

    def _show(self, images: Tensor, cameras: Tensor | None) -> RealBatch:
        """What the discriminator sees of this process's shard of a batch."""
        if self.augmentation is None:
            return RealBatch(images, cameras)
        batch, probability = self.settings.batch_size, self.augmentation.probability
        # Every process samples the changes of the whole batch.
        changes = sample_changes(batch, probability, self.rng, with_cameras=cameras is not None)
        shard = self.device.shard(batch)
        return seen(images, cameras, Changes(*(x[shard] for x in changes)))

    def _regularise(self, real: RealBatch) -> Tensor:
        """Add the gradient of R1 on half the batch, in float32, for the steps left out.

        Returns R1 at the images that the discriminator sees, which augmentation may have changed.
        """
        half = len(real.images) // 2
        images = real.images[:half].clone().requires_grad_()
        cameras = None if real.cameras is None else real.cameras[:half]
        penalty = r1_penalty(self.discriminator(images, cameras), images)
        (penalty * (self.settings.gamma / 2 * self.settings.r1_every)).backward()
        return penalty.detach()

    @torch.no_grad()
    def _update_average(self, step: int) -> None:
        seen = (step + 1) * self.settings.batch_size
        # At most a twentieth of the images seen so far, for the average to leave the start behind.
        half_life = max(min(self.settings.ema_kimg * 1000, 0.05 * seen), 1e-8)
        kept = 0.5 ** (self.settings.batch_size / half_life)
        averaged: list[Tensor] = [*self.average.parameters()]
        torch._foreach_lerp_(averaged, [*self.generator.parameters()], 1 - kept)
        torch._foreach_copy_(list(self.average.buffers()), list(self.generator.buffers()))

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            **{name: part.state_dict() for name, part in self.parts.items()},
            "optimisers": [optimiser.state_dict() for optimiser in self.optimisers],
            "rng": self.rng.get_state(),
            "noise_rng": self.noise_rng.get_state(),
            "r1": self.r1,
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of `state_dict`."""
        for name, part in self.parts.items():
            part.load_state_dict(state[name])
        for optimiser, saved in zip(self.optimisers, state["optimisers"], strict=True):
            optimiser.load_state_dict(saved)
            for group in optimiser.param_groups:  # it may have been saved on another device
                group["capturable"] = self.on_gpu
        self.rng.set_state(state["rng"])
        # Noise is sampled on the networks' device; the state of a GPU means nothing to a CPU.
        if state["noise_rng"].shape == self.noise_rng.get_state().shape:
            self.noise_rng.set_state(state["noise_rng"])
        self.r1 = state["r1"].to(self.device.device)
