"""Keeps libraries from sending data about their use; called before any of them is loaded."""

import os

SWITCHES = {
    # ONNX Runtime, which since 1.29 sends it by default and writes an id of the device into the
    # home folder. It asks when it is loaded, and then no more (its Privacy.md).
    "ORT_DISABLE_TELEMETRY": "1",
    "BENTOML_DO_NOT_TRACK": "True",
}
"""Variables of the environment, which processes of this one inherit."""


def switch_off() -> None:
    """Nothing is sent, whatever the environment says."""
    os.environ.update(SWITCHES)
