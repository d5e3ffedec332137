"""The random numbers of a batch that several processes may share."""

import torch
from torch import Tensor


class BatchRandom:
    """Random numbers of the images of this process's shard, sampled for the whole batch.

    What becomes of an image thus does not depend on how many processes share the batch.
    """

    def __init__(self, generator: torch.Generator, count: int, own: Tensor | None = None) -> None:
        """`count`: images of the whole batch, B; `own`: int [N], the shard; default: all."""
        self.generator, self.count, self.own = generator, count, own

    def uniform(self, *shape: int) -> Tensor:  # [N, *shape]
        """In 0..1."""
        return self._taken(torch.rand(self.count, *shape, generator=self.generator))

    def spread(self, *shape: int) -> Tensor:  # [N, *shape]
        """Uniform in -1..1."""
        return self.uniform(*shape) * 2 - 1

    def normal(self, *shape: int) -> Tensor:  # [N, *shape]
        """Of unit variance; other images cost a seed each, for these numbers are many."""
        seeds = self._taken(torch.randint(2**62, (self.count,), generator=self.generator))
        numbers, generator = torch.empty(len(seeds), *shape), torch.Generator()
        for image, seed in zip(numbers, seeds.tolist(), strict=True):
            image.normal_(generator=generator.manual_seed(seed))
        return numbers

    def _taken(self, numbers: Tensor) -> Tensor:
        return numbers if self.own is None else numbers[self.own]
