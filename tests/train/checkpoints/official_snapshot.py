"""A snapshot with every entry that the official command line's defaults give its networks.

official_structure.json lists each module of a small G_ema and D by hand: its class, the arguments
that it is built with, its plain attributes, and the shapes of its parameters and buffers. Noted
from reading stylegan2-ada-pytorch and the StyleGAN2 of stylegan3, of which nothing is copied.
"""

import json
import pickle
from collections import OrderedDict
from pathlib import Path

import numpy as np
import torch

from tests.train.checkpoints.official_files import FILTER, official_modules

STRUCTURE = json.loads(Path(__file__).with_name("official_structure.json").read_text())


def weights_of(network, seed=0):
    """Random tensors of every parameter and buffer that the structure lists, by dotted name."""
    rng = torch.Generator().manual_seed(seed)
    weights = {}
    for module in STRUCTURE[network]:
        dot = "." if module["name"] else ""
        for name, shape in {**module["parameters"], **module["buffers"]}.items():
            values = torch.randn(shape, generator=rng)
            if name == "resample_filter":
                values = FILTER.clone()
            elif name == "weight" and module["name"].startswith("mapping."):
                values *= 100
            elif name in ("bias", "noise_strength", "w_avg"):
                values *= 0.3
            if name == "bias" and module["name"].endswith("affine"):
                values += 1
            weights[f"{module['name']}{dot}{name}"] = values
    return weights


def official_snapshot(weights, judge, changes=None):
    """The file; `changes`: other attributes of D, by dotted name."""
    with official_modules() as modules:
        generator = _persistent("G_ema", weights, modules, {})
        value = {
            "G": generator,
            "D": _persistent("D", judge, modules, changes or {}),
            "G_ema": generator,
            "augment_pipe": None,
            "training_set_kwargs": modules[1].EasyDict(path="cars.zip", resolution=32),
        }
        return pickle.dumps(value)


def _persistent(network, weights, modules, changes):
    persistence, util = modules

    class Module:
        def __init__(self, listed):
            name, init = listed["name"], dict(listed["init"])
            dot = "." if name else ""

            def held(kind):
                return OrderedDict((own, weights[f"{name}{dot}{own}"]) for own in listed[kind])

            parameters = ((n, torch.nn.Parameter(v, False)) for n, v in held("parameters").items())
            self.class_name, self.children = listed["class"], OrderedDict()
            self.state = {
                **listed["attributes"],
                "training": False,
                "_parameters": OrderedDict(parameters),
                "_buffers": held("buffers"),
                "_non_persistent_buffers_set": set(),
                "_backward_hooks": OrderedDict(),
                "_modules": self.children,
                "_init_args": tuple(init.pop("args", ())),
                "_init_kwargs": util.EasyDict(init),
            }
            self.state.setdefault("act_gain", np.sqrt(2))
            for dotted, value in changes.items():
                if dotted.rpartition(".")[0] == name:
                    self.state[dotted.rpartition(".")[2]] = value

        def __reduce__(self):
            meta = {
                "type": "class",
                "version": 6,
                "module_src": "raise AssertionError('the source in the file was run')",
                "class_name": self.class_name,
                "state": self.state,
            }
            return persistence._reconstruct_persistent_obj, (meta,), None

    made = {}
    for listed in STRUCTURE[network]:
        made[listed["name"]] = Module(listed)
        if listed["name"]:
            above, _, own = listed["name"].rpartition(".")
            made[above].children[own] = made[listed["name"]]
    return made[""]
