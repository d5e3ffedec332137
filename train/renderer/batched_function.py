"""What every compiled operation of the renderer keeps to, so that autograd and torch.func hold."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function


class BatchedFunction(Function):
    """An operation whose tensors, arguments and results, all begin with the batch axis B.

    `forward` takes no `ctx`, and what `backward` needs goes through `save_for_backward`: torch then
    refuses a backward pass after a change in place. A gradient is a BatchedFunction too. So
    `torch.func.grad`, `vjp`, `jacrev` and `vmap` work; a second derivative and a forward-mode one
    are refused by name.
    """

    @classmethod
    def vmap(  # pyright: ignore[reportIncompatibleMethodOverride]
        cls, info: Any, in_dims: tuple[Any, ...], *arguments: Any
    ) -> tuple[Any, Any]:
        """N batches of B are one of N·B: the images of a batch do not know each other."""
        count = info.batch_size
        folded = (
            _fold(argument, axis, count) if isinstance(argument, Tensor) else argument
            for argument, axis in zip(arguments, in_dims, strict=True)
        )
        results = cls.apply(*folded)
        if isinstance(results, Tensor):
            return _unfold(results, count), 0
        return tuple(_unfold(result, count) for result in results), (0,) * len(results)


class Rasterization(BatchedFunction):
    """What is seen of faces in each pixel; its inputs are corners, features, z, which faces are
    valid, and the image plane."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: tuple[Tensor, ...]) -> None:
        """Remember what `backward` needs: the image itself is not."""
        corners, features, _, _, plane = inputs
        ctx.area_epsilon = plane.area_epsilon
        ctx.save_for_backward(corners, features, *output[1:])
        ctx.mark_non_differentiable(*output[1:])
        ctx.set_materialize_grads(False)  # the weights' would be as large as they are


class Gradient(BatchedFunction):
    """What a `backward` computes, so that `vmap` reaches it; it has no gradient of its own."""

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Any) -> None:
        """Nothing is remembered."""

    @classmethod
    def backward(cls, ctx: Any, *_: Any) -> Any:  # pyright: ignore[reportIncompatibleMethodOverride]
        """Refuse a second derivative."""
        raise RuntimeError(
            f"{cls.__name__} has no gradient of its own: the renderer has first derivatives only"
        )


class CheckFinite(BatchedFunction):
    """Refuse numbers [B, ...] that are not finite; also where `vmap` hides them from the caller."""

    @staticmethod
    def forward(tensor: Tensor, name: str) -> Tensor:
        """Nothing, [B, 0]."""
        # The sum is finite unless a number is not, or the numbers are huge: then look at each.
        if not torch.isfinite(tensor.sum()) and not torch.isfinite(tensor).all():
            wrong = int((~torch.isfinite(tensor)).sum())
            raise ValueError(
                f"{name} holds {wrong} numbers that are not finite (nan or inf) of "
                f"{tensor.numel()}; look for a division by 0 or a diverging training before the "
                "renderer"
            )
        return tensor.new_empty((len(tensor), 0))

    @staticmethod
    def setup_context(ctx: Any, inputs: tuple[Any, ...], output: Tensor) -> None:
        """Nothing is remembered."""
        ctx.mark_non_differentiable(output)


def _fold(tensor: Tensor, axis: int | None, count: int) -> Tensor:
    """[B, ...] with N batches along `axis` to [N·B, ...]; None: the same batch N times."""
    moved = tensor.expand(count, *tensor.shape) if axis is None else tensor.movedim(axis, 0)
    return moved.flatten(0, 1)


def _unfold(tensor: Tensor, count: int) -> Tensor:
    """[N·B, ...] to [N, B, ...]."""
    return tensor.unflatten(0, (count, len(tensor) // count))
