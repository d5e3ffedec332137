"""The settings that ship: `smoke` in minutes, `vehicles` in half an hour, `cpu` in many hours."""

from train.config import (
    CamerasConfig,
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

VEHICLES = Config(
    preset="vehicles",
    gan=GanConfig(kimg=0, taught_kimg=0, init="shipped", warm_start=False),
    segmenter=SegmenterConfig(steps=2_000),
    viewpoints=ViewpointsConfig(candidates=1_000, classifier="shipped"),
    cameras=CamerasConfig(reader="attributes"),
    multiview=MultiviewConfig(objects=2_000),
    inverse=InverseConfig(steps=6_000, first_steps=250, batch_size=8),
    evaluate=EvaluateConfig(objects=100),
)
"""What made the shipped bundle, from the shipped GANs as they are."""

PRESETS: dict[str, Config] = {
    "smoke": SMOKE,
    "vehicles": VEHICLES,
    "cpu": Config(),
}
