"""Trainings that went on to the end with status 0 though nothing could be learned.

Each fault has to end its own stage with status 3 and a sentence that says what to do.
"""

import json

import numpy as np
import pytest
import torch
from PIL import Image

from tests.train.stages import generated_run
from train import cycle
from train.config import Config, override
from train.evaluation import gates
from train.models.attributes import AttributeClassifier, azimuths_both_ways
from train.models.generator import Generator, GeneratorShape
from train.running.gate import GateFailed, gate, gates_of, hold
from train.running.record import Records
from train.running.workspace import Workspace

SIZE = 32
ONLY = ["--preset", "cpu", "--photographs.size", "32", "--stages", "photographs"]


def coloured(number: int) -> Image.Image:
    """A cut-out unlike those of other numbers."""
    rng = np.random.default_rng(number)
    picture = Image.new("RGBA", (64, 64), (0, 0, 0, 0))
    colour = (*rng.integers(0, 256, 3).tolist(), 255)
    left, top, right, bottom = rng.integers([4, 4, 36, 36], [28, 28, 60, 60]).tolist()
    picture.paste(colour, (left, top, right, bottom))
    picture.paste((*colour[2::-1], 255), (left, top, (left + right) // 2, bottom - 4))
    return picture


def folder_of(path, pictures):
    path.mkdir()
    for number, picture in enumerate(pictures):
        picture.save(path / f"{number}.png")
    return path


def command(folder, run, *more):
    given = ["--data", str(folder), "--run", str(run), "--export.category", "birds"]
    return cycle.main([*ONLY, *given, *more])


def ground(size=SIZE, count=600):
    """Cut-outs on grey: discs of many places, sizes and colours."""
    rng = np.random.default_rng(0)
    images = np.full((count, size, size, 3), 128, np.uint8)
    y, x = np.mgrid[:size, :size]
    for image in images:
        middle, radii = rng.uniform(10, 22, 2), rng.uniform(4, 10, 2)
        inside = ((y - middle[0]) / radii[0]) ** 2 + ((x - middle[1]) / radii[1]) ** 2 < 1
        image[inside] = rng.integers(0, 256, 3)
    return images


@pytest.mark.parametrize("copies", [1, 40])
def test_one_photograph_is_no_training_set_however_often_it_is_there(tmp_path, capsys, copies):
    folder, run = folder_of(tmp_path / "a", [coloured(0)] * copies), tmp_path / "run"
    for _ in range(2):  # the stage is done, and still nobody has looked
        assert command(folder, run) == 3
        said = capsys.readouterr().err.splitlines()[-1]
        assert "photographs: 1 different photographs" in said and "--accept photographs" in said
        assert ("39 of 40 are copies" in said) == (copies == 40)
    assert command(folder, run, "--accept", "photographs") == 0
    assert "done" in capsys.readouterr().out
    assert command(folder, run) == 0  # once is enough
    (one, *_) = json.loads((run / "photographs" / "done.json").read_text())["gates"]
    assert (one["measured"], one["limit"], one["verdict"]) == (1, 500, "failed")


def test_masks_that_leave_the_object_out_are_noticed(tmp_path, capsys):
    (tmp_path / "masks").mkdir()
    folder = folder_of(tmp_path / "a", [coloured(n).convert("RGB") for n in range(12)])
    accepted = ["--accept", "photographs", "--masks", str(tmp_path / "masks")]
    for number in range(12):
        alpha = coloured(number).getchannel("A")
        alpha.point(lambda value: 255 - value).save(tmp_path / "masks" / f"{number}.png")
    assert command(folder, tmp_path / "run", *accepted) == 3
    said = capsys.readouterr().err.splitlines()[-1]
    assert "0 of 12 masks of the photographs show an object" in said
    assert "Invert them: white, or opaque, is the object" in said
    for number in range(12):
        coloured(number).getchannel("A").save(tmp_path / "masks" / f"{number}.png")
    assert command(folder, tmp_path / "run", *accepted) == 2  # other masks, other photographs
    assert "photographs.masks: " in capsys.readouterr().err
    assert command(folder, tmp_path / "run", *accepted, "--redo", "photographs") == 0


@pytest.mark.parametrize(
    ("mask", "said"),
    [
        (np.zeros((SIZE, SIZE)), "cover next to nothing"),
        (np.ones((SIZE, SIZE)), "cover all there is"),
        (1 - np.pad(np.ones((10, 20)), ((11, 11), (6, 6))), "cover the surroundings"),
    ],
)
def test_what_is_wrong_with_masks_is_said(mask, said):
    found = gates.masks_gate(np.repeat(mask[None], 4, 0), "of a test")
    assert found.failed and said in found.sentence
    y, x = np.mgrid[:SIZE, :SIZE] - 16
    ring, box = (np.hypot(y, x) < 9) & (np.hypot(y, x) > 4), (abs(y) < 6) & (abs(x) < 9)
    for good in (np.hypot(y, x) < 9, np.hypot(y, x) < 16, ring, box):
        assert not gates.masks_gate(np.repeat(good[None].astype(float), 4, 0), "of a test").failed


@pytest.mark.parametrize("made", ["noise", "grey", "one"])
def test_images_unlike_photographs_never_pass(made):
    real, rng = ground(), np.random.default_rng(1)
    fakes = {
        "noise": rng.integers(0, 256, real.shape, dtype=np.uint8),
        "grey": np.clip(128 + rng.normal(0, 3, real.shape), 0, 255).astype(np.uint8),
        "one": (real[:1] * rng.uniform(0.5, 0.9, (len(real), 1, 1, 3))).astype(np.uint8),
    }  # fmt: skip
    found = gates._images_gate(real[:300], fakes[made][:300], "train")
    assert found.failed and "train" in found.sentence
    assert not gates._images_gate(real[:300], real[300:], "train").failed


def test_a_gan_that_makes_noise_ends_its_stage(tmp_path):
    torch.manual_seed(0)
    generator = Generator(GeneratorShape(SIZE, channels=generated_run.CHANNELS)).eval()
    images, turning = gates.gan_gates(
        generator, ground(), None, lambda given: (given.std(dim=1) > 0.05).float(), "train"
    )
    assert images.failed and turning.name == "view_codes"
    folder = Workspace(tmp_path).stage("gan")
    folder.finish(gates=[images._asdict()])
    with pytest.raises(GateFailed, match=r"gan \(round 0\): .*GAN's images.*--accept gan_images"):
        hold(folder, "gan (round 0)", [])
    hold(folder, "gan (round 0)", ["gan_images"])
    assert gates_of(folder) == [images]


class Lump(Generator):
    """Draws a disc whose place is the view code's first number, or always the same."""

    def __init__(self, turns: bool) -> None:
        super().__init__(GeneratorShape(SIZE, channels=generated_run.CHANNELS))
        self.turns = turns

    def styles(self, contents, views):
        return views

    def synthesize(self, styles, noise=None):
        place = styles[:, 0] * 4 if self.turns else torch.zeros(len(styles))
        y, x = torch.meshgrid(torch.arange(SIZE), torch.arange(SIZE), indexing="ij")
        disc = torch.hypot(y - 16.0, x - 16.0 - place[:, None, None]) < 7
        return disc[:, None].float().expand(-1, 3, -1, -1)


@pytest.mark.parametrize("turns", [True, False])
def test_view_codes_that_all_show_one_view_are_noticed(turns):
    def segment(images):
        return ((images - 0.5).abs().amax(dim=1) > 0.1).float()

    _, found = gates.gan_gates(Lump(turns).eval(), ground(), None, segment, "train")
    assert found.failed != turns
    assert turns or "All view codes show about the same view" in found.sentence


def test_an_annotation_of_two_rows_is_none():
    few = {str(bin): int(bin < 60) for bin in range(0, 360, 30)}
    found = gates.annotation_gate(few)
    assert found.failed and "2 view codes are kept, in 2 of 12 directions" in found.sentence
    assert not gates.annotation_gate(dict.fromkeys(few, 1)).failed


def test_labels_that_disagree_with_their_mirror_image_are_noticed():
    random = np.random.default_rng(0).uniform(0, 360, (2, 400))
    assert gates.mirror_gate(*random).failed
    assert not gates.mirror_gate(random[0], random[0] + 20).failed
    torch.manual_seed(0)
    images = torch.rand(2, 3, 32, 32)
    plain, back = azimuths_both_ways(AttributeClassifier(32).eval(), images)
    _, again = azimuths_both_ways(AttributeClassifier(32).eval(), images.flip(-1))
    assert plain.shape == back.shape == again.shape == (2,)


def test_a_network_that_is_no_better_than_its_mean_is_noticed():
    ious = np.full(30, 0.6)
    same = gates.mean_prediction_gate(ious, ious - 0.01, "masks")
    assert same.failed and "IoU 0.600, 0.590 with always the same mean shape" in same.sentence
    assert not gates.mean_prediction_gate(ious, ious - 0.05, "masks").failed


def test_a_gate_holds_every_stage_that_reads_from_it(tmp_path, capsys):
    run = Workspace(tmp_path)
    run.stage("photographs").finish(
        gates=[gate("photographs", 3, 500, "three", "Add some")._asdict()]
    )
    given = ["--preset", "smoke", "--run", str(tmp_path), "--stages", "segmenter"]
    assert cycle.main([*given, "--accept", ""]) == 3
    assert "photographs: three. Add some" in capsys.readouterr().err
    assert not (tmp_path / "segmenter").exists()


def test_unknown_gates_are_refused(capsys):
    assert cycle.main(["--accept", "gates"]) == 2
    assert "--accept gates: known are all, photographs" in capsys.readouterr().err


def test_a_wrong_folder_is_named_and_the_right_one_goes_on(tmp_path, capsys):
    (tmp_path / "wrong").mkdir()
    (tmp_path / "wrong" / "notes.txt").write_text("no picture")
    right = folder_of(tmp_path / "right", [coloured(n) for n in range(3)])
    assert command(tmp_path / "wrong", tmp_path / "run") == 2
    assert "wrong holds no picture" in capsys.readouterr().err
    assert command(right, tmp_path / "run", "--accept", "all") == 0
    names = json.loads((tmp_path / "run" / "photographs" / "names.json").read_text())
    assert names == ["0.png", "1.png", "2.png"]


def test_another_category_under_a_finished_run_is_refused(tmp_path):
    birds = override(Config(), export={"category": "birds"}, photographs={"source": "photographs"})
    workspace = Workspace(tmp_path)
    vehicles = override(birds, export={"category": "vehicles"})
    records = Records(vehicles, workspace)
    for step in records.steps:
        records.folder(step).file("result").write_text("made before")
        records.write(step)
        records.folder(step).finish(round=step.round)
    changed = {change.step.stage for change in Records(birds, workspace).changes()}
    assert {"segmenter", "viewpoints", "multiview", "inverse", "evaluate"} <= changed


def test_one_opaque_file_among_cutouts_is_that_file_s_affair(tmp_path, capsys):
    pictures = [coloured(n) for n in range(11)]
    pictures[4] = pictures[4].convert("RGB")
    run = tmp_path / "run"
    assert command(folder_of(tmp_path / "a", pictures), run, "--accept", "all") == 0
    facts = json.loads((run / "photographs" / "done.json").read_text())
    assert (facts["count"], facts["masks"]) == (10, True)
    assert facts["skipped"] == [
        "4.png: it brings no mask, and nearly all others do: give it an alpha channel or a mask"
    ]


def test_smoke_trains_on_any_folder_as_printed():
    given = ["--preset", "smoke", "--data", "photographs", "--export.category", "mugs"]
    found = cycle.parse_command(given)
    assert (found.config.gan.init, found.config.cutouts.procedural) == ("scratch", 0)
    viewpoints = found.config.viewpoints
    assert (viewpoints.per_bin, viewpoints.annotator, found.accept) == (1, "in_turn", "all")
    assert cycle.parse_command(["--preset", "smoke"]).config.gan.init == "shipped"
    assert cycle.parse_command([*given, "--gan.kimg", "3"]).config.gan.kimg == 3
