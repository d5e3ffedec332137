import pytest
import torch
from safetensors.torch import save_file
from torch import nn

from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.perceptual import VGG_CHANNELS, DiscriminatorFeatures, VggFeatures
from train.models.weights import WeightsError, save_weights


def vgg_weights() -> dict[str, torch.Tensor]:
    """Random ones under torchvision's names, which number every layer of `features`."""
    torch.manual_seed(0)
    weights, place, channels = {}, 0, 3
    for outputs in VGG_CHANNELS:
        if outputs:
            weights[f"features.{place}.weight"] = torch.randn(outputs, channels, 3, 3) * 0.05
            weights[f"features.{place}.bias"] = torch.randn(outputs) * 0.1
            channels = outputs
        place += 2 if outputs else 1
    return weights


def test_the_discriminator_s_features_pass_gradients_to_the_images_only(tmp_path):
    torch.manual_seed(0)
    path = tmp_path / "discriminator.safetensors"
    save_weights(path, Discriminator(DiscriminatorShape(32)), {})
    features = DiscriminatorFeatures(path)
    images = torch.rand(2, 3, 32, 32, requires_grad=True)
    maps = features(images)
    assert [m.shape[-1] for m in maps] == [32, 16, 8, 4]
    sum(m.square().mean() for m in maps).backward()
    assert images.grad.abs().max() > 0
    assert all(p.grad is None for p in features.parameters())


def test_vgg_features_are_those_of_the_published_layer_order(tmp_path):
    weights, layers, channels = vgg_weights(), [], 3
    for outputs in VGG_CHANNELS:
        layers += [nn.Conv2d(channels, outputs, 3, 1, 1), nn.ReLU()] if outputs else []
        layers += [] if outputs else [nn.MaxPool2d(2)]
        channels = outputs or channels
    plain = nn.Sequential(*layers)
    plain.load_state_dict({name.removeprefix("features."): w for name, w in weights.items()})
    save_file({**weights, "classifier.0.weight": torch.zeros(1)}, tmp_path / "vgg.safetensors")
    images = torch.rand(1, 3, 32, 32)
    with torch.no_grad():
        maps = VggFeatures(tmp_path / "vgg.safetensors")(images)
        mean, std = torch.tensor([0.485, 0.456, 0.406]), torch.tensor([0.229, 0.224, 0.225])
        wanted = plain((images - mean.view(1, 3, 1, 1)) / std.view(1, 3, 1, 1))
    assert [m.shape[1:] for m in maps] == [(64, 32, 32), (128, 16, 16), (256, 8, 8), (512, 4, 4)]
    torch.testing.assert_close(maps[-1], wanted)


def test_other_weights_are_refused_by_the_name_that_is_missing(tmp_path):
    save_file({"features.0.weight": torch.zeros(64, 3, 3, 3)}, tmp_path / "part.safetensors")
    with pytest.raises(WeightsError, match=r"features\.0\.bias.*torchvision's names"):
        VggFeatures(tmp_path / "part.safetensors")
    (tmp_path / "junk.safetensors").write_bytes(b"no weights")
    for name in ("junk.safetensors", "none.safetensors"):
        with pytest.raises(WeightsError, match=f"{name} is not VGG-16"):
            VggFeatures(tmp_path / name)
