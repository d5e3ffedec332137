"""Training of the inverse graphics network, one step at a time, in any number of processes.

Every process samples the same numbers and takes the images of its shard of the objects. But for the
order of sums and the statistics of batch normalisation, which are a shard's, the result does not
depend on the number of processes, and another number can go on from a checkpoint.
"""

from copy import deepcopy
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from train.config import ConfigError, InverseConfig
from train.data.augmentation import BatchRandom
from train.data.cutouts import CutOuts
from train.data.multiview import MultiviewData
from train.data.stream import LabelledPhotographs, LabelledViews
from train.losses.multiview import MultiviewLoss, Views
from train.models.inverse_graphics import InverseGraphics, Prediction, resized
from train.models.layers import channels_last
from train.renderer.render import Renderer
from train.running.device import Device
from train.steps.framing import compared, framed

DEGREES_PER_MOVE = 10.0
"""Unit of the optimised cameras, so that Adam moves angles and weights at like rates."""
SAMPLES = 600
"""Samples of one viewpoint in a training that `camera_learning_rate` is meant for.

With fewer the rate grows in proportion: else the cameras end near the bins of their annotation.
Measured with 20 samples of each of 1,200 viewpoints: their median azimuth error falls from 7.8 to
5.5 degrees without, to 2.3 at 20 times the rate; the elevations' from 6.4 to 4.8 and to 2.4."""
FASTEST = 30.0
"""Largest multiple of `camera_learning_rate`, however few the samples: no more was tried, and a
single step would flip a camera by 180° at last."""


class Examples(NamedTuple):
    """The training set."""

    generated: MultiviewData
    """Several views of each object."""
    photographs: LabelledPhotographs | None = None
    """Photographs of the run, with cameras."""
    cutouts: CutOuts | None = None
    """Further single views, with cameras."""


class InverseTraining:
    """The network, its average, the viewpoints' cameras, the optimiser and the random state."""

    def __init__(
        self,
        settings: InverseConfig,
        network: InverseGraphics,
        examples: Examples,
        features: nn.Module,
        seed: int,
        device: Device | None = None,
    ) -> None:
        """`features`: for the perceptual term; `seed`: the same in all processes."""
        self.settings = settings
        self.data, self.photographs, self.cutouts = examples
        self.device = device or Device()
        if settings.batch_size % self.device.processes:
            raise ConfigError(
                f"--inverse.batch-size {settings.batch_size}: a multiple of --inverse.processes "
                f"({self.device.processes})"
            )
        torch_device = self.device.device
        self.network = channels_last(network, torch_device)
        self.average = deepcopy(self.network).eval().requires_grad_(False)
        # These share the networks' memory: listing them costs more than averaging does.
        self._averaged, self._current = (
            [value for value in each.state_dict().values() if value.is_floating_point()]
            for each in (self.average, self.network)
        )
        side = self.data.images.shape[1]
        self.renderer = Renderer(network.template, side, knum=60).to(torch_device)
        self.renderer.sharpen(_sharpness(0, settings))
        self.features = features.to(torch_device)
        self.loss = MultiviewLoss(self.renderer, self._features_of, settings)
        self.initial_cameras = torch.from_numpy(self.data.initial_cameras).to(torch_device)
        self.moves = nn.Parameter(torch.zeros(len(self.initial_cameras), 2, device=torch_device))
        self.optimizer = torch.optim.Adam(
            [
                {"params": self.network.parameters(), "rate": settings.learning_rate},
                {"params": [self.moves], "rate": self._camera_rate()},
            ],
            betas=(0.9, 0.98),
            fused=True,
        )
        self.random = torch.Generator().manual_seed(seed)

    def _camera_rate(self) -> float:
        """Learning rate of the viewpoints' cameras."""
        images = self.settings.steps * self.settings.batch_size * self.settings.views
        samples = images / len(self.initial_cameras)
        return self.settings.camera_learning_rate * min(max(1.0, SAMPLES / samples), FASTEST)

    def state_dict(self) -> dict[str, Any]:
        """All that the next step depends on."""
        return {
            "network": self.network.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "moves": self.moves.data,
            "random": self.random.get_state(),
        }

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Restore a state of `state_dict`."""
        self.network.load_state_dict(state["network"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.moves.data.copy_(state["moves"])
        self.random.set_state(state["random"])

    def cameras(self) -> Tensor:
        """The optimised cameras of the viewpoint codes, [K, 5]."""
        cameras = self.initial_cameras.clone()
        cameras[:, :2] = cameras[:, :2] + DEGREES_PER_MOVE * self.moves
        return cameras

    def views(self) -> Views:
        """This process's shard of the next images: generated views, photographs, cut-outs.

        Each is framed like what the service cuts out, at the side that the network reads; what a
        rendering is compared with has that of the generated views.
        """
        settings, device = self.settings, self.device.device
        pairs = self.data.sample_pairs(settings.batch_size, self.random, settings.views)
        pairs = pairs[self.device.shard(settings.batch_size)].reshape(-1)
        images, masks = (values.to(device) for values in self.data.load(pairs))
        viewpoints = torch.from_numpy(self.data.viewpoint[pairs]).long()
        groups = [LabelledViews(images, masks, self.cameras()[viewpoints.to(device)])]
        objects = [torch.arange(settings.batch_size).repeat_interleave(settings.views)]
        if self.photographs is not None and (count := settings.photographs):
            groups.append(self.photographs.sample(count, self.random, self.device.shard(count)))
            objects.append(int(objects[-1][-1]) + 1 + torch.arange(count))
        if self.cutouts is not None and (count := settings.cutouts // settings.views):
            sample = self.cutouts.sample_pairs if settings.views > 1 else self.cutouts.sample
            groups.append(sample(count, self.random, self.device.shard(count)))
            numbers = torch.arange(count).repeat_interleave(settings.views)
            objects.append(int(objects[-1][-1]) + 1 + numbers)
        return self._framed(groups, torch.cat(objects))

    def _framed(self, groups: list[LabelledViews], objects: Tensor) -> Views:
        """The shard of groups of images; `objects`: int [N], of the whole batch."""
        # Both shards take every n-th object, and the batch is a multiple of n.
        rank, device = self.device.fabric.global_rank, self.device.device
        mine = (objects % self.device.processes == rank).nonzero()[:, 0]
        size = self.network.shape.size
        same = [_enlarged(group, size) for group in groups if len(group.images)]
        views = LabelledViews(*(torch.cat(parts) for parts in zip(*same, strict=True)))
        shown = framed(views, BatchRandom(self.random, len(objects), mine), size)
        return compared(shown, objects[mine].to(device), self.renderer.size)

    def step(self, step: int) -> dict[str, Tensor]:
        """One optimisation step; returns the terms of eq. 1 before their weights.

        They are those of this process's shard of the batch.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = group["rate"] * _schedule(step, self.settings.steps)
        self.renderer.sharpen(_sharpness(step, self.settings))
        views = self.views()
        images = views.seen.contiguous(memory_format=torch.channels_last)
        with self.device.autocast():
            prediction = self.network(images, views.seen_masks[:, None])
        prediction = Prediction(*(value.float() for value in prediction))
        terms = self.loss.terms(views, prediction, step >= self.settings.perceptual_after)
        loss = self.loss.total(terms)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        parameters = (*self.network.parameters(), self.moves)
        gradients = [p.grad for p in parameters if p.grad is not None]
        # The running statistics of batch normalisation, too.
        statistics = [b for b in self.network.buffers() if b.is_floating_point()]
        self.device.average(gradients + statistics)
        nn.utils.clip_grad_norm_(self.network.parameters(), 10.0)
        self.optimizer.step()
        kept = min(0.995, (step + 1) / (step + 10))
        with torch.no_grad():
            torch._foreach_lerp_(self._averaged, self._current, 1 - kept)
        return {"loss": loss.detach(), **{name: term.detach() for name, term in terms.items()}}

    def _features_of(self, images: Tensor) -> list[Tensor]:
        with self.device.autocast():
            return self.features(images)


def _enlarged(group: LabelledViews, side: int) -> LabelledViews:
    """Smaller images as large as the others, so that they share a batch."""
    return group._replace(
        images=resized(group.images, side), masks=resized(group.masks[:, None], side)[:, 0]
    )


def _schedule(step: int, steps: int) -> float:
    """Learning rate over the stage: rises for 100 steps, falls over the last two fifths."""
    rise = min(1.0, (step + 1) / min(100, max(steps // 10, 1)))
    fall = min(1.0, (steps - step) / max(steps * (1 - 0.6), 1))
    return rise * fall


def _sharpness(step: int, settings: InverseConfig) -> float:
    """sigmainv of this step: from its first to its last value, evenly in the logarithm."""
    done = step / max(settings.steps - 1, 1)
    return settings.sigmainv * (settings.last_sigmainv / settings.sigmainv) ** done
