import torch

from train.data.codes import ERASED, Codes, CodeSampler, as_images, erase_object, inputs_of


def codes_of(objects):
    count = len(objects)
    places = torch.arange(count)
    masks = torch.zeros(count, 8, 8, dtype=torch.uint8)
    masks[places, places % 8] = 255  # one row each
    return Codes(
        images=torch.full((count, 3, 8, 8), 255, dtype=torch.uint8),
        masks=masks,
        objects=torch.tensor(objects),
        viewpoints=places % 3,
        cameras=places[:, None].float().expand(count, 5),
        vertices=places[:, None, None].float().expand(count, 4, 3),
        textures=places[:, None, None, None].to(torch.uint8).expand(count, 3, 4, 8),
        styles=places[:, None].float().expand(count, 6),
    )


def sampler_of(objects):
    return CodeSampler(codes_of(objects), torch.Generator().manual_seed(0))


def test_another_view_is_of_the_same_object_and_every_one_comes_up():
    sampler = sampler_of([4, 9, 4, 4, 7, 9])
    indices = torch.tensor([0, 1, 4]).repeat(200)
    other = sampler.other_views(indices)
    objects = sampler.codes.objects
    assert torch.equal(objects[other], objects[indices])
    assert set(other[indices == 0].tolist()) == {0, 2, 3}
    assert set(other[indices == 4].tolist()) == {4}


def test_inputs_come_each_from_its_own_image():
    sampler = sampler_of([0, 0, 1, 1])
    sources = [torch.tensor([i]) for i in (3, 2, 1, 0)]
    inputs = sampler.inputs(*sources)
    assert inputs.cameras[0, 0] == 3 and inputs.vertices[0, 0, 0] == 2
    assert torch.allclose(inputs.textures, torch.full((1, 3, 4, 8), 1 / 255))
    assert torch.allclose(inputs.backgrounds[0, :, 0], torch.tensor(ERASED))


def test_half_the_backgrounds_hide_another_objects_place_too():
    sampler = sampler_of(list(range(8)))
    masks = sampler.covered_masks(torch.zeros(400, dtype=torch.long))
    assert (masks[:, 0] == 1).all()
    more = (masks.sum(dim=(1, 2)) > 8).float().mean()
    assert 0.35 < more < 0.55  # one in eight of the others is the object itself


def test_own_masks_alone_are_erased_by_default():
    codes = codes_of([0, 1])
    sources = (torch.tensor([0]),) * 4
    backgrounds = inputs_of(codes, sources).backgrounds
    assert int((backgrounds[0, 0] != 1).sum()) == 8


def test_a_soft_mask_erases_in_part():
    images = torch.ones(1, 3, 2, 2)
    erased = erase_object(images, torch.full((1, 2, 2), 0.5))
    assert torch.allclose(erased, torch.full_like(erased, (1 + ERASED) / 2))


def test_a_part_of_the_codes_keeps_its_rows_together():
    part = codes_of([5, 6, 5]).of(torch.tensor([True, False, True]))
    assert part.objects.tolist() == [5, 5] and part.styles[:, 0].tolist() == [0, 2]
    assert as_images(part.images).max() == 1
