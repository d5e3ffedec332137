"""Images a second that stage `gan` is taught by, drawing them and copying them to a GPU included.

    python -m tests.benchmarks.gan_step --preset gpu --camera-conditioned
    python -m tests.benchmarks.gan_step --photographs.size 32

As many processes as the stage would take, with all cores between them. Whole cycles of
`gan.r1_every` steps on noise instead of photographs; the median of the first process's. On a GPU
`--launched` launches every kernel by itself instead of replaying graphs.
"""

import json
import statistics
import sys
import time
from dataclasses import dataclass

import numpy as np
import torch

from train.config import Config
from train.config.command_line import Settings, finish, outcome, parse, parse_first
from train.config.presets import PRESETS
from train.config.section import AtLeast1, Section
from train.cycle import Start
from train.data.stream import PhotographStream
from train.running.device import Device, keep_freed_memory, launch, processes_for
from train.stages.gan import new_networks
from train.steps.gan import GanTraining

PHOTOGRAPHS = 2_000
WARM_UP_CYCLES = 3
"""In the third one a GPU's steps of both kinds are replayed."""


def rates(
    device: Device, config: Config, camera_conditioned: bool, launched: bool, cycles: int
) -> list[float]:
    """Images a second, of each cycle."""
    keep_freed_memory()  # as the stage does
    random = np.random.default_rng(0)
    size = config.photographs.size
    images = random.integers(0, 256, (PHOTOGRAPHS, size, size, 3), np.uint8)
    cameras = random.uniform(-20, 20, (PHOTOGRAPHS, 5)).astype(np.float32)
    cameras[:, 2] = 5.0
    stream = PhotographStream(images, cameras if camera_conditioned else None)
    training = GanTraining(
        config.gan, *new_networks(config, camera_conditioned=camera_conditioned), 1, device
    )
    if launched:
        training.graphs = None
    every, found = config.gan.r1_every, []
    for _ in range(WARM_UP_CYCLES + cycles):
        start = time.perf_counter()
        for step in range(every):
            training.step(stream, step)
        if device.device.type == "cuda":
            torch.cuda.synchronize(device.device)
        found.append(every * config.gan.batch_size / (time.perf_counter() - start))
    return found[WARM_UP_CYCLES:]


@dataclass(frozen=True)
class Command(Section):
    """The command line."""

    config: Settings[Config]
    camera_conditioned: bool = False
    """The camera-conditioned GAN."""
    launched: bool = False
    """Replay no graphs."""
    cycles: AtLeast1 = 5
    """Cycles to measure."""


MODULE = "tests.benchmarks.gan_step"


def main() -> None:
    """The command."""
    config = PRESETS[parse_first(Start, None, MODULE).preset]
    options: Command = parse(Command, None, MODULE, __doc__, Command(config))
    config = options.config
    processes = config.gan.processes or processes_for(config.gan.batch_size, threaded=True)
    given = config, options.camera_conditioned, options.launched, options.cycles
    found = launch(rates, processes, config.gan.precision, *given)
    metrics: dict[str, str | int] = {"images_per_second": round(statistics.median(found))}
    metrics |= {"processes": processes, "threads": torch.get_num_threads() // processes}
    if torch.cuda.is_available():
        metrics["device"] = torch.cuda.get_device_name()
    print(json.dumps(metrics))


if __name__ == "__main__":
    sys.exit(finish(MODULE, *outcome(main)))
