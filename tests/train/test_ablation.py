import json
from dataclasses import asdict, replace

import numpy as np
import pytest
import torch

from tests.train.stages.tiny_run import SIZE, cameras_of_views, tiny_config, tiny_run
from train import ablation
from train.config import EvaluateConfig, MultiviewConfig
from train.models.discriminator import Discriminator, DiscriminatorShape
from train.models.weights import save_weights
from train.running.workspace import Workspace, write_json

pytestmark = pytest.mark.slow

ROWS = ["full", "photographs_only", "no_symmetry", "true_views"]


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    """A finished run of two rounds, as far as an ablation reads it."""
    config = tiny_config()
    inverse = replace(config.inverse, steps=2, batch_size=2, photographs=2, processes=1)
    config = replace(
        config,
        inverse=replace(inverse, perceptual_after=0),
        multiview=MultiviewConfig(objects=4, views=3, cameras=6),
        evaluate=EvaluateConfig(objects=3, views=2),
    )
    path = tmp_path_factory.mktemp("runs") / "mine"
    workspace = tiny_run(path, config, round=1)
    torch.manual_seed(0)
    judge = Discriminator(DiscriminatorShape(SIZE, camera_conditioned=True))
    save_weights(workspace.stage("gan", 1).file("discriminator.safetensors"), judge, {})
    labels = {
        "cameras": np.resize(cameras_of_views(), (64, 5)),
        "keep": np.arange(64) % 2 == 0,
        "confidences": np.ones(64, np.float32),
    }
    cameras = workspace.stage("cameras", 1)
    cameras.save_arrays("labels.npz", labels)
    cameras.finish()
    generated = workspace.stage("multiview", 1)
    generated.finish(images=72)
    write_json(path / "config.json", asdict(config))
    return path


def test_rows_are_trained_and_measured_once_per_seed(run, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in run.rglob("*")}
    given = ["--run", str(run), "--out", str(tmp_path / "out")]
    given += ["--seeds", "1,2", "--rows", ",".join(ROWS)]
    assert ablation.main(given) == 0
    report = json.loads((tmp_path / "out" / "ablation.json").read_text())
    table = report["rows"]
    assert list(table) == ROWS
    assert report["seeds_of_rows"] == {row: [1, 2] for row in ROWS}
    assert ablation.DIFFERENCE not in table["full"]
    novel = [row["iou2d_novel30"]["value"] for row in table.values()]
    assert len(set(novel)) == len(ROWS)  # the rows are trainings of their own
    difference = table["no_symmetry"][ablation.DIFFERENCE]["value"]
    assert np.isclose(difference, novel[ROWS.index("no_symmetry")] - novel[0])
    full = table["full"]["iou2d_novel30"]
    assert full["low"] < full["value"] < full["high"]
    assert table["full"] != table["true_views"]
    markdown = (tmp_path / "out" / "ablation.md").read_text()
    labelled = capsys.readouterr()
    assert "true_views, seed 2: 8 of 8" in labelled.err
    assert markdown in labelled.out and markdown.count("| `") == len(table)
    # The run is as it was; again is nothing but reading.
    assert {path: path.stat().st_mtime_ns for path in run.rglob("*")} == before
    weights = tmp_path / "out/full/seed_1/round_1/inverse/inverse_graphics.safetensors"
    written = weights.stat().st_mtime_ns
    assert ablation.main(given) == 0
    assert weights.stat().st_mtime_ns == written
    # What is finished is not passed off as of other settings.
    capsys.readouterr()
    assert ablation.main([*given, "--inverse.color-weight", "1"]) == 2
    assert "inverse.color_weight: 20.0 -> 1.0" in capsys.readouterr().err
    assert ablation.main([*given, "--multiview.objects", "3"]) == 2
    assert "multiview.objects: 4 -> 3" in capsys.readouterr().err


def test_what_a_plain_gan_makes_is_the_first_round_s(run, tmp_path):
    cells = ablation.Ablation(run, tmp_path, ablation.read_config(run))
    paths = [cells._images(ablation.ROWS[row]).path for row in ("plain_gan", "full")]
    assert paths == [Workspace(run).stage("multiview", round).path for round in (0, 1)]


def test_single_views_get_as_many_images_in_each_step(run, tmp_path):
    config = ablation.read_config(run)
    cells = ablation.Ablation(run, tmp_path, config)
    settings = {name: cells.settings(row, 5) for name, row in ablation.ROWS.items()}
    assert {s.seed for s in settings.values()} == {5}
    assert all(s.inverse.anew for s in settings.values())
    images = {name: s.inverse.batch_size * s.inverse.views for name, s in settings.items()}
    assert set(images.values()) == {4}
    assert settings["no_perceptual"].inverse.perceptual_after == config.inverse.steps
    assert settings["no_symmetry"].inverse.symmetric == "none"
    assert settings["soft_edges"].inverse.last_sigmainv == config.inverse.sigmainv


def test_true_views_need_a_truth(run):
    config = ablation.read_config(run)
    own = replace(config, photographs=replace(config.photographs, source="birds"))
    assert "true_views" not in ablation.rows_for(own, [])
    with pytest.raises(ablation.ConfigError, match="only procedural"):
        ablation.rows_for(own, ["true_views"])


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--rows", "full,half"], "--rows half: known are full"),
        (["--seeds", "1,x"], "--seeds 1,x: whole numbers"),
        (["--seeds", "1,,2"], "--seeds 1,,2: whole numbers"),
        (["--inverse.stepz", "1"], "Unrecognized options: --inverse.stepz"),
        (["--gan.kimg", "1"], "Unrecognized options: --gan.kimg"),
        (["--inverse.vgg", "no/vgg.file", "--rows", "full"], "no/vgg.file is not VGG-16"),
    ],
)
def test_what_cannot_be_is_refused_by_name(run, tmp_path, capsys, arguments, said):
    assert ablation.main(["--run", str(run), "--out", str(tmp_path), *arguments]) == 2
    assert said in " ".join(capsys.readouterr().err.replace("│", "").split())


def test_a_run_of_one_round_has_labelled_no_photographs(run, tmp_path, capsys):
    config = json.loads((run / "config.json").read_text())
    (tmp_path / "config.json").write_text(json.dumps({**config, "rounds": 1}))
    assert ablation.main(["--run", str(tmp_path)]) == 2
    assert "is a run of 1 round: at least 2" in capsys.readouterr().err


def test_a_folder_that_is_no_run_is_refused(tmp_path, capsys):
    assert ablation.main(["--run", str(tmp_path)]) == 2
    assert "config.json is not the settings of a run" in capsys.readouterr().err
    (tmp_path / "config.json").write_text("[1]")
    assert ablation.main(["--run", str(tmp_path)]) == 2
    assert "config.json is not the settings of a run" in capsys.readouterr().err


def test_a_run_that_has_not_ended_is_refused(run, tmp_path, capsys):
    config = (run / "config.json").read_text()
    (tmp_path / "begun").mkdir()
    (tmp_path / "begun" / "config.json").write_text(config)
    assert ablation.main(["--run", str(tmp_path / "begun")]) == 2
    assert "has to run to its end first" in capsys.readouterr().err
