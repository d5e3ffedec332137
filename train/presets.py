"""The settings that ship: `smoke`, `cpu`, `gpu` and `paper`."""

from train.config import Config

PRESETS: dict[str, Config] = {
    "cpu": Config(),
}
