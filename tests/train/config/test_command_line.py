import dataclasses
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from train.config import Config, ConfigError, override
from train.config.command_line import docstrings
from train.config.presets import PRESETS, PURPOSES
from train.cycle import parse_command

ROOT = Path(__file__).resolve().parents[3]
HEAVY = ("torch", "numba", "scipy", "onnx", "onnxruntime", "bentoml", "trimesh")


def flags(config: object = Config(), prefix: str = "--") -> dict[str, str]:
    """The flag of every setting -> its docstring."""
    found = {}
    for field in dataclasses.fields(config):
        value = getattr(config, field.name)
        name = prefix + field.name.replace("_", "-")
        if dataclasses.is_dataclass(value):
            found |= flags(value, f"{name}.")
        else:
            found[name] = docstrings(type(config)).get(field.name, "")
    return found


def test_a_flag_changes_one_setting_and_nothing_else():
    changed = parse_command(["--inverse.batch-size", "3"]).config
    assert changed == override(Config(), inverse={"batch_size": 3})
    assert override(changed, inverse={"batch_size": Config().inverse.batch_size}) == Config()


def test_a_setting_may_be_spelled_in_several_ways(tmp_path):
    folder = str(tmp_path)
    for arguments in (["--inverse.batch_size=3"], ["--inverse.batch-size", "3"]):
        assert parse_command(arguments).config.inverse.batch_size == 3
    for arguments in (["--data", folder], [f"--photographs.source={folder}"]):
        assert parse_command(arguments).config.photographs.source == folder
    for text in ("false", "False"):
        assert not parse_command(["--gan.warm-start", text]).config.gan.warm_start


def test_settings_of_the_whole_run_have_no_section():
    assert parse_command(["--seed", "7"]).config.seed == 7


def test_a_preset_gives_the_defaults():
    command = parse_command(["--inverse.steps", "7", "--preset", "vehicles"])
    assert command.config == override(PRESETS["vehicles"], inverse={"steps": 7})
    assert command.run == Path("runs/vehicles")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--inverse.steps 0", "--inverse.steps 0: must be >= 1"),
        ("--inverse.perceptual-after -1", "--inverse.perceptual-after -1: must be >= 0"),
        ("--inverse.learning-rate 0", "must be > 0"),
        ("--inverse.template-level 9", "must be >= 1 and <= 5"),
        ("--inverse.texture-size 48", "must be a power of two"),
        ("--inverse.last-sigmainv 10", r"must be >= --inverse.sigmainv \(7000\)"),
        ("--gan.channels 64", "must be 0, or 512 and more"),
        ("--gan.augment-target 1", "must be > -1 and < 1"),
        ("--disentangle.batch-size 10", "must be a multiple of 4"),
        ("--multiview.cameras 3", r"must be >= --multiview.views \(12\)"),
        ("--cameras.estimator guess", "'guess' is none of them"),
        ("--export.tolerance 0.1", "must be > 0 and <= 0.001"),
        ("--rounds 0", "--rounds 0: must be >= 1"),
        ("--seed -1", "must be >= 0"),
        ("--inverse.learning-rate inf", "must be a finite number"),
        ("--data=", "--photographs.source : must be a folder"),
        ("--run=", "is the current folder: name one of its own"),
        ("--run pyproject.toml", "is a file: name a folder"),
        ("--stages gan,paint", "--stages paint: known are photographs"),
    ],
)
def test_an_impossible_value_says_what_is_allowed(arguments, words):
    with pytest.raises(ConfigError, match=words):
        parse_command(arguments.split())


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ("--inverse.batchsize 3", ["Perhaps you meant", "--inverse.batch-size"]),
        ("--invers.batch-size 3", ["Unrecognized options", "--inverse.batch-size"]),
        ("--inverse.batch-size many", ["--inverse.batch-size", "invalid literal"]),
        ("--inverse.batch-size", ["--inverse.batch-size"]),
        ("--inverse.views 3", ["--inverse.views", "'1', '2'"]),
        ("--photographs.size 48", ["--photographs.size", "'32', '64'"]),
        ("--viewpoints.annotator robot", ["'auto'", "'classifier'", "'person'"]),
        ("--evaluate.single-view-baseline 1", ["'true', 'false'"]),
        ("--preset huge", ["'huge'", "'smoke'", "'vehicles'"]),
        ("--set seed=1", ["Unrecognized options", "--set"]),
    ],
)
def test_what_is_no_flag_or_of_another_type_is_said_and_ends_with_status_2(
    arguments, words, capsys
):
    with pytest.raises(SystemExit) as ended:
        parse_command(arguments.split())
    assert ended.value.code == 2
    said = " ".join(capsys.readouterr().err.replace("│", "").split())
    assert all(word in said for word in words), said


def test_numbers_and_choices_are_checked_in_python_too():
    with pytest.raises(ConfigError, match=r"--photographs\.size 48: must be one of 32, 64"):
        override(Config(), photographs={"size": 48})


@pytest.mark.parametrize("preset", ["cpu", "vehicles"])
def test_help_names_every_setting_with_its_meaning_and_the_presets(preset, capsys):
    with pytest.raises(SystemExit) as ended:
        parse_command(["--preset", preset, "--help"])
    assert ended.value.code == 0
    printed = capsys.readouterr().out
    text = "".join(printed.replace("│", "").split())
    assert len(flags()) > 100
    for flag, meaning in flags().items():
        assert meaning, flag
        assert flag in text and "".join(meaning.split()) in text, flag
    for name, purpose in PURPOSES.items():
        assert f"  {name:<9s} {purpose}" in printed
    steps = PRESETS[preset].inverse.steps
    assert f"Trainingstepsofaround.(default:{steps})" in text


@pytest.mark.parametrize(
    ("command", "said"),
    [
        ("train.cycle --inverse.steps 0", "train.cycle: --inverse.steps 0: must be >= 1"),
        ("train.cycle --gan.speed 1", "Unrecognized options"),
        ("train.cycle --preset huge", "Invalid choice"),
        ("train.cycle --stages paint", "train.cycle: --stages paint: known are"),
        ("train.cycle --run RUN --data nowhere", "train.cycle: --photographs.source nowhere"),
        ("train.cycle --run RUN --gan.checkpoint x", "with --rounds 2"),
        ("train.evaluate objects --views 0", "train.evaluate: --views 0: must be >= 1"),
        ("train.evaluate photos x --views 3", "Unrecognized"),
        ("train.refine a.jpg --out RUN --steps 0", "train.refine: --steps 0: must be >= 1"),
        ("train.annotate service --out x.csv", "train.annotate: --out x.csv: must end in .html"),
        ("train.adapt --photos service --steps 0", "train.adapt: --steps 0: must be >= 1"),
        ("train.adapt --photos nowhere", "train.adapt: nowhere is not a folder (photos)"),
        ("train.annotate service --nothing x", "Unrecognized options: --nothing"),
        ("train.ablation --run RUN", "config.json is not the settings of a run"),
        ("train.import_stylegan a.pkl --out RUN --view-layers 0", "--view-layers 0: must be"),
        ("service.demo --bundel x", "--bundle"),
    ],
)
def test_a_refused_command_line_waits_for_no_library(command, said, tmp_path):
    module, *arguments = command.replace("RUN", str(tmp_path / "run")).split()
    script = (
        f"import runpy, sys\nsys.argv = [{module!r}, *{arguments!r}]\n"
        f"try: runpy.run_module({module!r}, run_name='__main__', alter_sys=True)\n"
        f"finally: print([name for name in {HEAVY!r} if name in sys.modules])\n"
    )
    before, began = os.times(), time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    after = os.times()
    assert done.returncode == 2 and said in done.stderr, done.stderr
    assert done.stdout.strip() == "[]"
    # A third of a second where nothing else runs; torch alone would take more than this.
    assert after.children_user - before.children_user < 2
    assert time.monotonic() - began < 60
