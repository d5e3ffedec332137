"""StyleGAN2's equations once more, as directly as they can be written, in float64.

Modulated and demodulated weights are made for every image, and filters are sums of shifted
pictures: nothing is shared with the networks that this is compared to.
"""

import math

import torch

TAPS = (1 / 8, 3 / 8, 3 / 8, 1 / 8)


def leaky(x):
    return torch.where(x > 0, x, 0.2 * x) * math.sqrt(2)


def filtered(x, gain=1.0):
    """Every place where the 4x4 filter lies wholly within x."""
    height, width = x.shape[2] - 3, x.shape[3] - 3
    return gain * sum(
        TAPS[i] * TAPS[j] * x[:, :, i : i + height, j : j + width]
        for i in range(4)
        for j in range(4)
    )


def padded(x, before, after):
    out = x.new_zeros(*x.shape[:2], x.shape[2] + before + after, x.shape[3] + before + after)
    out[:, :, before : before + x.shape[2], before : before + x.shape[3]] = x
    return out


def enlarged(x):
    """Zeros between the pixels, then the filter with gain 4."""
    out = x.new_zeros(*x.shape[:2], 2 * x.shape[2], 2 * x.shape[3])
    out[:, :, ::2, ::2] = x
    return filtered(padded(out, 2, 1), 4.0)


def convolved(x, weight, stride=1, padding=0):
    """One weight [out, in, k, k] per image."""
    kernel = weight.shape[-1]
    x = padded(x, padding, padding)
    side = (x.shape[2] - kernel) // stride + 1
    last = stride * (side - 1) + 1
    return sum(
        torch.einsum("boc,bcij->boij", weight[..., i, j], x[:, :, i:, j:][:, :, :last, :last][
            :, :, ::stride, ::stride
        ])
        for i in range(kernel)
        for j in range(kernel)
    )  # fmt: skip


def transposed(x, weight):
    """Every pixel adds the kernel, scaled, at twice its place."""
    side = x.shape[2]
    out = x.new_zeros(len(x), weight.shape[1], 2 * side + 1, 2 * side + 1)
    for i in range(3):
        for j in range(3):
            part = torch.einsum("boc,bcij->boij", weight[..., i, j], x)
            out[:, :, i : i + 2 * side : 2, j : j + 2 * side : 2] += part
    return out


def linear(x, weights, name, rate=1.0):
    weight = weights[f"{name}.weight"] * rate / math.sqrt(x.shape[1])
    return x @ weight.T + weights[f"{name}.bias"] * rate


def map_codes(weights, z):
    x = z / (z.square().mean(dim=1, keepdim=True) + 1e-8).sqrt()
    index = 0
    while f"mapping.fc{index}.weight" in weights:
        x = leaky(linear(x, weights, f"mapping.fc{index}", 0.01))
        index += 1
    return x


def layer(weights, name, x, code, *, noise, limit):
    up = name.endswith("conv0")
    style = linear(code, weights, f"{name}.affine")
    modulated = weights[f"{name}.weight"][None] * style[:, None, :, None, None]
    norm = (modulated.square().sum(dim=(2, 3, 4), keepdim=True) + 1e-8).sqrt()
    weight = modulated / norm
    x = filtered(padded(transposed(x, weight), 1, 1), 4.0) if up else convolved(x, weight, 1, 1)
    if noise:
        x = x + weights[f"{name}.noise_const"] * weights[f"{name}.noise_strength"]
    return leaky(x + weights[f"{name}.bias"][:, None, None]).clamp(-limit, limit)


def synthesize(weights, codes, *, noise, limit=math.inf):
    """Images of `codes`: one [B, D] per place, 2·log2(size) - 2 in all."""
    weights = {name: value.double() for name, value in weights.items()}
    codes = [code.double() for code in codes]
    x = weights["synthesis.b4.const"].expand(len(codes[0]), -1, -1, -1)
    image, side, place = None, 4, 0
    while f"synthesis.b{side}.conv1.weight" in weights:
        block = f"synthesis.b{side}"
        for name in ("conv0", "conv1") if side > 4 else ("conv1",):
            x = layer(weights, f"{block}.{name}", x, codes[place], noise=noise, limit=limit)
            place += 1
        style = linear(codes[place], weights, f"{block}.torgb.affine") / math.sqrt(x.shape[1])
        weight = weights[f"{block}.torgb.weight"][None] * style[:, None, :, None, None]
        colours = convolved(x, weight) + weights[f"{block}.torgb.bias"][:, None, None]
        colours = colours.clamp(-limit, limit)
        image = colours if image is None else enlarged(image) + colours
        side *= 2
    assert place + 1 == len(codes)
    return image


def judge(weights, images, limit=math.inf):
    """Logits of four images, which are one group of the standard deviation."""
    weights = {name: value.double() for name, value in weights.items()}

    def convolution(x, name, stride=1, padding=0):
        weight = weights[f"{name}.weight"]
        weight = (weight / math.sqrt(weight[0].numel()))[None].expand(len(x), -1, -1, -1, -1)
        x = convolved(x, weight, stride, padding)
        if f"{name}.bias" in weights:
            x = leaky(x + weights[f"{name}.bias"][:, None, None])
        # A skip has neither bias nor limit.
        return x if name.endswith(".skip") else x.clamp(-limit, limit)

    side = images.shape[2]
    x = convolution(images.double(), f"b{side}.fromrgb")
    while side > 4:
        skipped = convolution(filtered(padded(x, 1, 1)), f"b{side}.skip", 2)
        inner = convolution(x, f"b{side}.conv0", 1, 1)
        branch = convolution(filtered(padded(inner, 2, 2)), f"b{side}.conv1", 2)
        x = (skipped + branch) / math.sqrt(2)
        side //= 2
    deviation = (x.var(dim=0, correction=0) + 1e-8).sqrt().mean()
    x = torch.cat([x, deviation.expand(len(x), 1, 4, 4)], dim=1)
    x = leaky(linear(convolution(x, "b4.conv", 1, 1).flatten(1), weights, "b4.fc"))
    return linear(x, weights, "b4.out")[:, 0]
