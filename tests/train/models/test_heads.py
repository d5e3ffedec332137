import torch
from torch.nn import functional as F

from train.models.heads import AZIMUTH_BINS, PATCH, CameraHead, TextureHead


@torch.no_grad()
def test_a_cell_s_outputs_are_the_texels_of_its_own_patch():
    torch.manual_seed(0)
    head = TextureHead(code=24, width=8, texture_size=32, symmetric=False).eval()
    torch.nn.init.normal_(head.patches.weight)
    cells = []
    head.patches.register_forward_hook(lambda *given: cells.append(given[-1]))
    grey = torch.full((2, 3), 0.5)  # whose logit is 0: the gate counts for nothing
    texture = head(torch.randn(2, 24), grey)
    color = F.pixel_shuffle(cells[0], PATCH)[:, :3]
    torch.testing.assert_close(texture, color.sigmoid())


@torch.no_grad()
def test_it_starts_from_one_colour_per_patch_with_the_object_s_own_mixed_in():
    torch.manual_seed(0)
    head = TextureHead(code=24, width=8, texture_size=32).eval()
    code = torch.randn(1, 24)
    dark, light = (head(code, torch.full((1, 3), value)) for value in (0.2, 0.8))
    assert (light > dark).all()
    patches = light.unfold(2, PATCH, PATCH).unfold(3, PATCH, PATCH).flatten(4)
    torch.testing.assert_close(patches.amax(-1), patches.amin(-1))


@torch.no_grad()
def test_the_temperature_divides_the_logits_and_so_softens_the_confidence():
    torch.manual_seed(0)
    head, code = CameraHead(24).eval(), torch.randn(5, 24) * 3
    cameras, confidences, logits = head(code)
    head.temperature.fill_(2.0)
    softened, less_sure, halved = head(code)
    torch.testing.assert_close(halved, logits / 2)
    assert (less_sure < confidences).all()
    torch.testing.assert_close(softened[:, 1:], cameras[:, 1:])  # angles of height, and the rest
    torch.testing.assert_close(head.read_azimuths(logits / 2), (softened[:, 0], less_sure))
    bins = logits.argmax(-1) * 360 / AZIMUTH_BINS
    apart = (softened[:, 0] - bins + 180) % 360 - 180
    assert apart.abs().max() < 15
