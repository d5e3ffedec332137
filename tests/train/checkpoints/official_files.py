"""Files as the two implementations write them, with random weights of a small StyleGAN2."""

import argparse
import contextlib
import io
import itertools
import math
import pickle
import sys
import types
from collections import OrderedDict

import numpy as np
import torch

CODE, MAPPING = 16, 3
CHANNELS = {4: 12, 8: 10, 16: 8, 32: 6, 64: 4, 128: 3, 256: 2, 512: 2}
BUFFERS = ("w_avg", "noise_const", "resample_filter")
TAPS = torch.tensor([1.0, 3.0, 3.0, 1.0])
FILTER = torch.outer(TAPS, TAPS) / 64


def generator_weights(size=32, seed=0):
    """G_ema's tensors under NVIDIA's names; every one differs from its initial value."""
    rng = torch.Generator().manual_seed(seed)

    def draw(*shape, mean=0.0, spread=1.0):
        return mean + spread * torch.randn(shape, generator=rng)

    weights = {"mapping.w_avg": draw(CODE)}
    for index in range(MAPPING):
        weights[f"mapping.fc{index}.weight"] = draw(CODE, CODE, spread=100)
        weights[f"mapping.fc{index}.bias"] = draw(CODE, spread=20)
    weights["synthesis.b4.const"] = draw(CHANNELS[4], 4, 4)
    before = CHANNELS[4]
    for side, after in itertools.takewhile(lambda item: item[0] <= size, CHANNELS.items()):
        block = f"synthesis.b{side}"
        weights[f"{block}.resample_filter"] = FILTER.clone()
        for layer, inputs in [("conv0", before)] * (side > 4) + [("conv1", after)]:
            name = f"{block}.{layer}"
            weights[f"{name}.weight"] = draw(after, inputs, 3, 3)
            weights[f"{name}.noise_strength"] = draw(spread=0.3)
            weights[f"{name}.bias"] = draw(after, spread=0.3)
            weights[f"{name}.resample_filter"] = FILTER.clone()
            weights[f"{name}.noise_const"] = draw(side, side)
            weights[f"{name}.affine.weight"] = draw(inputs, CODE)
            weights[f"{name}.affine.bias"] = draw(inputs, mean=1.0, spread=0.2)
        weights[f"{block}.torgb.weight"] = draw(3, after, 1, 1)
        weights[f"{block}.torgb.bias"] = draw(3)
        weights[f"{block}.torgb.affine.weight"] = draw(after, CODE)
        weights[f"{block}.torgb.affine.bias"] = draw(after, mean=1.0, spread=0.2)
        before = after
    return weights


def discriminator_weights(size=16, seed=1):
    """D's tensors under NVIDIA's names."""
    rng = torch.Generator().manual_seed(seed)
    weights = {}

    def add(name, *shape, bias=True, filtered=True):
        weights[f"{name}.weight"] = torch.randn(shape, generator=rng)
        if bias:
            weights[f"{name}.bias"] = 0.3 * torch.randn(shape[0], generator=rng)
        if filtered:
            weights[f"{name}.resample_filter"] = FILTER.clone()

    sides = [side for side in reversed(CHANNELS) if side <= size]
    add(f"b{size}.fromrgb", CHANNELS[size], 3, 1, 1)
    for side, below in itertools.pairwise(sides):
        inputs, outputs = CHANNELS[side], CHANNELS[below]
        weights[f"b{side}.resample_filter"] = FILTER.clone()
        add(f"b{side}.conv0", inputs, inputs, 3, 3)
        add(f"b{side}.conv1", outputs, inputs, 3, 3)
        add(f"b{side}.skip", outputs, inputs, 1, 1, bias=False)
    last = CHANNELS[4]
    add("b4.conv", last, last + 1, 3, 3)
    add("b4.fc", last, last * 16, filtered=False)
    add("b4.out", 1, last, filtered=False)
    return weights


@contextlib.contextmanager
def official_modules():
    """Modules of the names that NVIDIA's pickles refer to, as long as a file is written."""
    persistence, util = types.ModuleType("torch_utils.persistence"), types.ModuleType("dnnlib.util")

    def _reconstruct_persistent_obj(meta):
        """Only its name is written."""

    _reconstruct_persistent_obj.__module__ = persistence.__name__
    _reconstruct_persistent_obj.__qualname__ = "_reconstruct_persistent_obj"
    persistence._reconstruct_persistent_obj = _reconstruct_persistent_obj

    class EasyDict(dict):
        pass

    EasyDict.__module__, EasyDict.__qualname__ = util.__name__, "EasyDict"
    util.EasyDict = EasyDict
    names = {
        "torch_utils": types.ModuleType("torch_utils"),
        "torch_utils.persistence": persistence,
        "dnnlib": types.ModuleType("dnnlib"),
        "dnnlib.util": util,
    }
    sys.modules.update(names)
    try:
        yield persistence, util
    finally:
        for name in names:
            del sys.modules[name]


def persistent(weights, settings, modules, class_name="Generator"):
    """Weights as nested persistent objects; `settings`: attributes by dotted name."""
    persistence, util = modules

    class Module:
        def __init__(self, prefix):
            own = {n[len(prefix) :]: t for n, t in weights.items() if n.startswith(prefix)}
            leaves = {name: value for name, value in own.items() if "." not in name}
            children = dict.fromkeys(name.split(".")[0] for name in own if "." in name)
            self.state = {
                "training": False,
                "_parameters": OrderedDict(
                    (name, torch.nn.Parameter(value, requires_grad=False))
                    for name, value in leaves.items()
                    if name not in BUFFERS
                ),
                "_buffers": OrderedDict((n, v) for n, v in leaves.items() if n in BUFFERS),
                "_non_persistent_buffers_set": set(),
                "_backward_hooks": OrderedDict(),
                "_modules": OrderedDict((n, Module(f"{prefix}{n}.")) for n in children),
                "_init_args": (),
                "_init_kwargs": util.EasyDict(c_dim=0, kwargs=util.EasyDict(num_layers=8)),
                "weight_gain": np.float64(1.0) / np.sqrt(12),
            }
            for name, value in settings.items():
                if name.startswith(prefix) and "." not in name[len(prefix) :]:
                    self.state[name[len(prefix) :]] = value

        def __reduce__(self):
            meta = {
                "type": "class",
                "version": 6,
                "module_src": "raise AssertionError('the source in the file was run')",
                "class_name": class_name,
                "state": self.state,
            }
            return (persistence._reconstruct_persistent_obj, (meta,), None)

    return Module("")


def nvidia_pickle(weights, judge=None, settings=None, judge_settings=None, protocol=3, **entries):
    """A network-snapshot .pkl."""
    settings = {"z_dim": CODE, "c_dim": 0, **(settings or {})}
    with official_modules() as modules:
        value = {
            "G": persistent(weights, settings, modules),
            "D": persistent(judge, judge_settings or {}, modules, "Discriminator")
            if judge
            else None,
            "G_ema": persistent(weights, settings, modules),
            "augment_pipe": None,
            "training_set_kwargs": modules[1].EasyDict(path="photographs", max_size=10),
            **entries,
        }
        return pickle.dumps(value, protocol=protocol)


def rosinality_state(weights):
    """The same numbers under rosinality's names; without the mean of w."""
    state = {"input.input": weights["synthesis.b4.const"][None]}
    for index in range(MAPPING):
        for kind in ("weight", "bias"):
            state[f"style.{index + 1}.{kind}"] = weights[f"mapping.fc{index}.{kind}"]
    noises = 0
    for side in (side for side in CHANNELS if f"synthesis.b{side}.const" in weights or side > 4):
        block, place = f"synthesis.b{side}", int(math.log2(side)) - 3
        if f"{block}.conv1.weight" not in weights:
            break
        layers = {"conv1": "conv1"}
        if side > 4:
            layers = {"conv0": f"convs.{2 * place}", "conv1": f"convs.{2 * place + 1}"}
        for layer, name in layers.items():
            source = f"{block}.{layer}"
            state[f"{name}.conv.weight"] = weights[f"{source}.weight"][None]
            state[f"{name}.conv.modulation.weight"] = weights[f"{source}.affine.weight"]
            state[f"{name}.conv.modulation.bias"] = weights[f"{source}.affine.bias"]
            if layer == "conv0":
                state[f"{name}.conv.blur.kernel"] = 4 * FILTER
            state[f"{name}.noise.weight"] = weights[f"{source}.noise_strength"][None]
            state[f"{name}.activate.bias"] = weights[f"{source}.bias"]
            state[f"noises.noise_{noises}"] = weights[f"{source}.noise_const"][None, None]
            noises += 1
        name = f"to_rgbs.{place}" if side > 4 else "to_rgb1"
        if side > 4:
            state[f"{name}.upsample.kernel"] = 4 * FILTER
        state[f"{name}.bias"] = weights[f"{block}.torgb.bias"].view(1, 3, 1, 1)
        state[f"{name}.conv.weight"] = weights[f"{block}.torgb.weight"][None]
        state[f"{name}.conv.modulation.weight"] = weights[f"{block}.torgb.affine.weight"]
        state[f"{name}.conv.modulation.bias"] = weights[f"{block}.torgb.affine.bias"]
    return OrderedDict(state)


def rosinality_judge(weights, size=16):
    """D's numbers under rosinality's names."""
    state = {}

    def add(name, source, place):
        state[f"{name}.{place}.weight"] = weights[f"{source}.weight"]
        if f"{source}.bias" in weights:
            state[f"{name}.{place + 1}.bias"] = weights[f"{source}.bias"]

    add("convs.0", f"b{size}.fromrgb", 0)
    for index in range(int(math.log2(size)) - 2):
        name, source = f"convs.{index + 1}", f"b{size // 2**index}"
        add(f"{name}.conv1", f"{source}.conv0", 0)
        state[f"{name}.conv2.0.kernel"] = FILTER
        add(f"{name}.conv2", f"{source}.conv1", 1)
        state[f"{name}.skip.0.kernel"] = FILTER
        add(f"{name}.skip", f"{source}.skip", 1)
    add("final_conv", "b4.conv", 0)
    for index, source in enumerate(("b4.fc", "b4.out")):
        for kind in ("weight", "bias"):
            state[f"final_linear.{index}.{kind}"] = weights[f"{source}.{kind}"]
    return OrderedDict(state)


def rosinality_file(state, *, legacy=False, **entries):
    """A training checkpoint (with its command line) or, with latent_avg, a converted one."""
    content = io.BytesIO()
    value = {"g_ema": state, "args": argparse.Namespace(size=32, path="photographs"), **entries}
    torch.save(value, content, _use_new_zipfile_serialization=not legacy)
    return content.getvalue()
