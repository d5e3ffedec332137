import json

import pytest

from train import cycle
from train.cycle import Step, plan


def test_camera_conditioned_rounds_label_the_photographs_before_their_gan():
    steps = plan(3)
    assert steps[:4] == [
        Step("photographs", 0), Step("segmenter", 0), Step("gan", 0), Step("viewpoints", 0),
    ]  # fmt: skip
    for number in (1, 2):
        index = steps.index(Step("cameras", number))
        assert steps[index - 1] == Step("evaluate", number - 1)
        assert steps[index + 1] == Step("gan", number)
    assert steps[-1] == Step("export", 2)


def test_a_dry_run_prints_settings_and_plan_and_writes_nothing(tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert cycle.main(["--preset", "smoke", "--seed", "5", "--dry-run"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert printed["config"]["seed"] == 5
    assert printed["plan"][-1] == "export (round 1)"
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--preset", "huge"], "Expected one of ('smoke'"),
        (["--stages", "gan,paint"], "--stages paint: known are photographs"),
        (["--gan.speed", "1"], "Unrecognized options: --gan.speed"),
    ],
)
def test_what_cannot_be_used_ends_with_status_2_and_says_why(arguments, words, capsys):
    assert cycle.main(arguments) == 2
    assert words in capsys.readouterr().err


def test_a_folder_without_photographs_ends_with_status_2(tmp_path, capsys):
    (tmp_path / "notes.txt").write_text("no picture")
    arguments = ["--preset", "smoke", "--data", str(tmp_path), "--run", str(tmp_path / "run")]
    assert cycle.main(arguments) == 2
    assert str(tmp_path) in capsys.readouterr().err


def test_weights_that_a_late_stage_cannot_use_are_refused_before_the_first_one(tmp_path, capsys):
    (tmp_path / "vgg.file").write_bytes(b"no weights")
    run = ["--preset", "smoke", "--run", str(tmp_path)]
    for file, said in (("no/vgg.file", "no such file"), ("vgg.file", "is not VGG-16")):
        assert cycle.main([*run, "--inverse.vgg", str(tmp_path / file)]) == 2
        assert said in capsys.readouterr().err
    assert not (tmp_path / "photographs").exists()


def test_a_stage_without_the_ones_before_it_names_them(tmp_path, capsys):
    arguments = ["--preset", "smoke", "--run", str(tmp_path), "--stages", "export"]
    assert cycle.main(arguments) == 2
    assert "has to run to its end first" in capsys.readouterr().err
