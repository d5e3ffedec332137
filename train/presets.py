"""The settings that ship: `smoke`, and `cpu`, which takes hours."""

from train.config import (
    Config,
    DisentangleConfig,
    EvaluateConfig,
    GanConfig,
    InverseConfig,
    MultiviewConfig,
    PhotographsConfig,
    SegmenterConfig,
    ViewpointsConfig,
)

SMOKE = Config(
    preset="smoke",
    photographs=PhotographsConfig(count=4_096),
    gan=GanConfig(kimg=1, taught_kimg=1, init="shipped", warm_start=False),
    segmenter=SegmenterConfig(steps=150),
    viewpoints=ViewpointsConfig(candidates=200, contents=8, classifier="shipped"),
    multiview=MultiviewConfig(objects=60, views=8, cameras=48),
    inverse=InverseConfig(steps=100, batch_size=8, perceptual_after=20),
    disentangle=DisentangleConfig(
        images=240, warmup_steps=60, warmup_batch_size=16, steps=8, batch_size=8
    ),
    evaluate=EvaluateConfig(objects=40, views=4, baseline_steps=40),
)
"""Every stage once through, in minutes on two cores: proves the machinery, not the method."""

PRESETS: dict[str, Config] = {
    "smoke": SMOKE,
    "cpu": Config(),
}
