import pytest

from train import cycle
from train.config import Config, ConfigError, checks, override
from train.config.presets import PRESETS


def birds(preset: str = "cpu", **changes) -> Config:
    """Settings for photographs of another category in a folder."""
    given = {"export": {"category": "birds"}, "photographs": {"source": "photographs"}}
    return override(PRESETS[preset], **{**given, **changes})


def test_photographs_of_another_category_go_with_the_settings_of_preset_cpu(tmp_path):
    checks.check(birds(photographs={"source": str(tmp_path)}), cycle.STAGES)


@pytest.mark.parametrize(
    ("config", "said"),
    [
        (birds(photographs={}), "the procedural photographs show vehicles; give photographs with"),
        (
            birds("smoke"),
            r"generate vehicles; train them.* --gan\.kimg.* of at least 100.*1000 and 500",
        ),
        (birds("vehicles"), r"--gan\.init shipped"),
        (birds(viewpoints={"annotator": "classifier"}), "a person is asked"),
        (
            birds(cameras={"estimator": "views,attributes"}),
            r"give --cameras\.estimator views$",
        ),
    ],
)
def test_what_makes_or_reads_vehicles_is_refused_with_what_to_give_instead(config, said):
    with pytest.raises(ConfigError, match=rf"--export\.category birds.*{said}"):
        checks.check_category(config, cycle.STAGES)


def test_what_does_not_matter_any_more_is_not_refused():
    taken = birds(gan={"checkpoint": "imported", "init": "shipped"})
    checks.check_category(taken, cycle.STAGES)  # round 1 goes on from the checkpoint
    with pytest.raises(ConfigError):
        anew = {"warm_start": False, "conditioned_kimg": 1}
        checks.check_category(override(taken, gan=anew), cycle.STAGES)
    checks.check_category(birds("smoke"), ["inverse", "export"])
    checks.check_category(birds(cameras={"estimator": "attributes"}, rounds=1), cycle.STAGES)


def test_vehicles_of_a_folder_may_be_read_and_made_by_all(tmp_path):
    config = override(PRESETS["vehicles"], photographs={"source": str(tmp_path)})
    checks.check(config, cycle.STAGES)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"photographs": {"source": "nowhere"}}, "--photographs.source nowhere: no such folder"),
        ({"inverse": {"vgg": "no/vgg.file"}}, "--inverse.vgg no/vgg.file: no such file"),
        ({"segmenter": {"onnx": "none.onnx"}}, "--segmenter.onnx none.onnx: no such file"),
        ({"photographs": {"source": "checkpoint"}}, "name its folder with --gan.checkpoint"),
        ({"gan": {"checkpoint": "imported"}}, "--gan.checkpoint with --rounds 2"),
        ({"gan": {"init": "scratch", "kimg": 0}}, "the GAN would make noise"),
    ],
)
def test_settings_that_a_stage_could_not_use_are_refused(changes, said):
    config = override(Config(), **changes)
    with pytest.raises(ConfigError, match=said):
        checks.check(config, cycle.STAGES)
    checks.check(config, ["export"])  # of a run whose other stages are done


@pytest.mark.parametrize("gan", [{"kimg": 99}, {"kimg": 300, "warm_start": False}])
def test_the_shipped_gan_is_begun_from_for_another_category_if_it_is_trained_on(gan):
    """Without a warm start the second GAN begins anew with vehicles, and sees too little here."""
    trained = birds(gan={"init": "shipped", "kimg": 100, "conditioned_kimg": 50})
    checks.check_category(trained, cycle.STAGES)
    with pytest.raises(ConfigError, match="of at least 100"):
        checks.check_category(override(trained, gan=gan), cycle.STAGES)


def test_the_command_ends_with_status_2_before_anything_is_written(tmp_path, capsys):
    folder = tmp_path / "run"
    arguments = ["--preset", "vehicles", "--data", str(tmp_path), "--run", str(folder)]
    assert cycle.main([*arguments, "--export.category", "birds"]) == cycle.UNUSABLE
    assert "the shipped GANs" in capsys.readouterr().err
    assert [path.name for path in folder.iterdir()] == ["lock"]


def test_a_gan_that_would_stay_noise_is_refused(tmp_path, capsys):
    settings = ["--gan.init", "scratch", "--gan.kimg", "0"]
    assert cycle.main(["--preset", "smoke", "--run", str(tmp_path), *settings]) == cycle.UNUSABLE
    assert "the GAN would make noise" in capsys.readouterr().err
