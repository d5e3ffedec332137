import pytest

from train import cycle
from train.config import Config, ConfigError, category, override
from train.config.presets import PRESETS

BIRDS = ("export.category=birds", "photographs.source=photographs")


def config(*assignments: str, preset: str = "cpu") -> Config:
    changed = PRESETS[preset]
    for assignment in assignments:
        changed = override(changed, assignment)
    return changed


def test_photographs_of_another_category_go_with_the_settings_of_preset_cpu():
    category.check(config(*BIRDS), cycle.STAGES)


@pytest.mark.parametrize(
    ("settings", "preset", "said"),
    [
        (BIRDS[:1], "cpu", "the procedural photographs show vehicles; give photographs with"),
        (BIRDS, "smoke", r"draw vehicles; set gan\.init=scratch.*1000 and 500 in --preset cpu"),
        (BIRDS, "vehicles", r"gan\.init=shipped"),
        ((*BIRDS, "viewpoints.annotator=classifier"), "cpu", "a person is asked"),
        ((*BIRDS, "cameras.estimator=views,attributes"), "cpu", r"set cameras\.estimator=views$"),
    ],
)
def test_what_draws_or_reads_vehicles_is_refused_with_what_to_set_instead(settings, preset, said):
    with pytest.raises(ConfigError, match=rf"export\.category=birds.*{said}"):
        category.check(config(*settings, preset=preset), cycle.STAGES)


def test_what_does_not_matter_any_more_is_not_refused():
    taken = config(*BIRDS, "gan.checkpoint=imported", "gan.init=shipped")
    category.check(taken, cycle.STAGES)  # round 1 goes on from the checkpoint
    with pytest.raises(ConfigError):
        category.check(override(taken, "gan.warm_start=false"), cycle.STAGES)
    category.check(config(*BIRDS, preset="smoke"), ["inverse", "export"])
    category.check(config(*BIRDS, "cameras.estimator=attributes", "rounds=1"), cycle.STAGES)


def test_vehicles_of_a_folder_may_be_read_and_drawn_by_all():
    category.check(config(BIRDS[1], preset="vehicles"), cycle.STAGES)


def test_the_command_ends_with_status_2_before_anything_is_written(tmp_path, capsys):
    folder = tmp_path / "run"
    arguments = ["--preset", "smoke", "--data", str(tmp_path), "--run", str(folder)]
    assert cycle.main([*arguments, "--set", "export.category=birds"]) == cycle.UNUSABLE
    assert "the shipped GANs" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_a_gan_that_would_stay_noise_is_refused(tmp_path, capsys):
    settings = ["--set", "gan.init=scratch", "--set", "gan.kimg=0"]
    assert cycle.main(["--preset", "smoke", "--run", str(tmp_path), *settings]) == cycle.UNUSABLE
    assert "the GAN would draw noise" in capsys.readouterr().err
