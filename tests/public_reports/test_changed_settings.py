"""A finished run that is given other settings or data: it must not go on as if it had not been."""

import json
from dataclasses import replace

import pytest

from tests.public_reports.finished_run import finished, refused
from tests.train.data.photo_folders import picture
from tests.train.stages.tiny_run import tiny_config, tiny_run
from train import cycle
from train.config import Config, override
from train.running.plan import Step, after, plan, reads
from train.running.record import Records, prepare
from train.running.workspace import Workspace, WorkspaceError, write_json

SMALL = [
    "--preset", "smoke", "--photographs.count", "64", "--photographs.size", "32",
    "--cutouts.procedural", "0", "--segmenter.steps", "1", "--segmenter.channels", "4",
    "--segmenter.batch-size", "2",
]  # fmt: skip


def command(run, *more, stages="photographs,segmenter,cutouts"):
    return cycle.main([*SMALL, "--run", str(run), "--stages", stages, *more])


def test_changed_settings_of_a_finished_stage_are_refused_by_name(tmp_path, capsys):
    assert command(tmp_path) == 0
    config = (tmp_path / "config.json").read_text()
    capsys.readouterr()
    assert command(tmp_path, "--segmenter.learning-rate", "0.5") == 2
    said = capsys.readouterr().err
    assert "segmenter.learning_rate: 0.002 -> 0.5" in said and "--redo segmenter" in said
    assert said.count("\n") == 1
    assert (tmp_path / "config.json").read_text() == config
    before = (tmp_path / "segmenter" / "segmenter.safetensors").read_bytes()
    assert command(tmp_path, "--segmenter.learning-rate", "0.5", "--redo", "segmenter") == 0
    assert (tmp_path / "segmenter" / "segmenter.safetensors").read_bytes() != before
    assert command(tmp_path, "--segmenter.learning-rate", "0.5") == 0
    assert json.loads((tmp_path / "config.json").read_text())["segmenter"]["learning_rate"] == 0.5


def test_mended_photographs_are_noticed_wherever_their_folder_is(tmp_path, capsys):
    folder = tmp_path / "photographs"
    run = folder / "run"  # what a run writes into the folder is none of its photographs
    folder.mkdir()
    for number in range(3):
        picture((200, 60 * number, 40)).save(folder / f"{number}.png")
    given = ["--data", str(folder)]
    assert command(run, *given, stages="photographs") == 0
    moved = folder.rename(tmp_path / "moved")
    given, run = ["--data", str(moved)], moved / "run"
    assert command(run, *given, stages="photographs") == 0  # the same files elsewhere
    picture((10, 20, 230)).save(moved / "1.png")
    capsys.readouterr()
    assert command(run, *given, stages="photographs") == 2
    said = capsys.readouterr().err
    assert "photographs.source: '" in said and "--redo photographs" in said
    assert command(run, *given, "--redo", "photographs", stages="photographs") == 0


@pytest.mark.parametrize(
    ("changes", "first"),
    [
        ({"seed": 2}, "photographs"),
        ({"gan": {"kimg": 500}}, "gan (round 0)"),
        ({"gan": {"conditioned_kimg": 7}}, "gan (round 1)"),
        ({"export": {"category": "chairs"}}, "segmenter"),
        ({"viewpoints": {"per_bin": 3}}, "viewpoints"),
        ({"multiview": {"objects": 70}}, "multiview (round 0)"),
        ({"inverse": {"steps": 7}}, "inverse (round 0)"),
        ({"disentangle": {"steps": 7}}, "disentangle (round 0)"),
        ({"evaluate": {"objects": 7}}, "evaluate (round 0)"),
        ({"neural": {"steps": 7}}, "neural (round 1)"),
        ({"cutouts": {"procedural": 5}}, "cutouts"),
        ({"cameras": {"confident": 0.5}}, "cameras (round 1)"),
    ],
    ids=str,
)
def test_the_step_that_a_setting_affects_is_named_first(tmp_path, changes, first):
    workspace = finished(tmp_path, Config())
    changed = override(Config(), **changes)
    assert refused(workspace, changed)[0] == first
    with pytest.raises(WorkspaceError, match="give --redo "):
        prepare(Records(changed, workspace), [])
    assert all(workspace.stage(step.stage, step.round).done for step in plan(2))


@pytest.mark.parametrize(
    "changes",
    [
        {"gan": {"processes": 4, "snapshot_kimg": 3}},
        {"inverse": {"processes": 2}},
        {"export": {"register": True}},
        {"export": {"samples": 3}},
        {"preset": "gpu"},
        {"evaluate": {"single_view_baseline": False}},
    ],
    ids=str,
)
def test_what_changes_no_result_of_a_training_is_taken(tmp_path, changes):
    assert refused(finished(tmp_path, Config()), override(Config(), **changes)) == []


def test_redo_removes_what_reads_from_a_step_and_nothing_else(tmp_path):
    workspace = finished(tmp_path, Config())
    prepare(Records(override(Config(), segmenter={"steps": 3}), workspace), ["segmenter"])
    kept = [step for step in plan(2) if workspace.stage(step.stage, step.round).done]
    assert kept == [
        Step("photographs", 0), Step("gan", 0), Step("viewpoints", 0), Step("cutouts", 0),
    ]  # fmt: skip
    assert workspace.stage("gan").file("result").read_text() == "made before"


def test_a_redo_of_less_than_what_changed_removes_nothing(tmp_path):
    workspace = finished(tmp_path, Config())
    changed = override(Config(), segmenter={"steps": 3}, gan={"kimg": 500})
    with pytest.raises(WorkspaceError, match=r"gan\.kimg"):
        prepare(Records(changed, workspace), ["segmenter"])
    assert all(workspace.stage(step.stage, step.round).done for step in plan(2))


def test_a_step_that_was_made_anew_by_hand_puts_what_reads_from_it_out_of_date(tmp_path):
    workspace = finished(tmp_path, Config())
    changed = override(Config(), gan={"conditioned_kimg": 7})
    records = Records(changed, workspace)
    records.write(Step("gan", 1))  # its folder was deleted, and --stages gan run
    (first, *_) = Records(changed, workspace).changes()
    assert first.step == Step("multiview", 1)
    assert first.reasons == ["it read another gan (round 1)"]


def test_a_table_that_is_edited_after_its_stage_is_read_again_and_not_lost(tmp_path):
    workspace = Workspace(tmp_path)
    table = workspace.stage("viewpoints").file("viewpoints.csv")
    table.write_text("code,azimuth\n0,30\n")
    finished(tmp_path, Config())
    assert refused(workspace, Config()) == []
    table.write_text("code,azimuth\n0,60\n")
    assert refused(workspace, Config())[0] == "viewpoints"
    prepare(Records(Config(), workspace), ["viewpoints"])
    assert not workspace.stage("viewpoints").done
    assert table.read_text() == "code,azimuth\n0,60\n"
    assert not workspace.stage("multiview", 0).done
    # Where the codes themselves change the table has no meaning, but hours are in it.
    finished(tmp_path, Config())
    prepare(Records(override(Config(), gan={"kimg": 9}), workspace), ["gan:0"])
    assert not table.exists()
    assert (tmp_path / "replaced_viewpoints.csv").read_text() == "code,azimuth\n0,60\n"


def test_more_rounds_go_on_and_take_the_bundle_with_them(tmp_path):
    workspace = finished(tmp_path, Config())
    three = replace(Config(), rounds=3)
    assert refused(workspace, three) == []
    prepare(Records(three, workspace), [])
    assert not workspace.stage("export").done
    assert workspace.stage("evaluate", 1).done


@pytest.mark.slow
def test_the_bundle_is_that_of_the_last_round(tmp_path):
    config = replace(tiny_config(), rounds=1)
    workspace = tiny_run(tmp_path, config)
    cycle.run(config, workspace, ["disentangle", "neural", "export"])
    manifest = tmp_path / "export" / "bundle" / "manifest.json"
    assert json.loads(manifest.read_text())["metrics"]["training"]["round"] == 0
    tiny_run(tmp_path, config, round=1)
    cycle.run(replace(config, rounds=2), workspace, ["disentangle", "neural", "export"])
    assert json.loads(manifest.read_text())["metrics"]["training"]["round"] == 1
    before = manifest.stat().st_ino
    cycle.run(replace(config, rounds=2), workspace, ["export"])
    assert manifest.stat().st_ino == before  # nothing has changed


def test_a_run_of_an_earlier_version_goes_on_or_is_refused_by_what_it_noted(tmp_path):
    workspace = Workspace(tmp_path)
    folder = workspace.stage("gan", 0)
    settings = Config().gan
    noted = {name: getattr(settings, name) for name in ("kimg", "code", "batch_size", "init")}
    write_json(folder.file("started.json"), {**noted, "augment": False, "size": 64, "seed": 1})
    folder.finish(kimg=1000)
    assert refused(workspace, Config()) == []
    assert refused(workspace, override(Config(), gan={"kimg": 500.0})) == ["gan (round 0)"]
    assert refused(workspace, replace(Config(), seed=3)) == ["gan (round 0)"]


@pytest.mark.parametrize("name", ["paint", "gan:7"])
def test_a_step_that_does_not_exist_is_refused(tmp_path, name, capsys):
    assert command(tmp_path, "--redo", name) == 2
    assert f"--redo {name}: there is no such step; known are photographs" in capsys.readouterr().err


def test_a_record_that_is_none_is_refused(tmp_path):
    workspace = finished(tmp_path, Config())
    workspace.stage("segmenter").file("depends_on.json").write_text("[]")
    with pytest.raises(WorkspaceError, match="--redo segmenter"):
        Records(Config(), workspace).changes()


def test_every_step_reads_only_from_steps_before_it():
    for rounds in (1, 2, 4):
        steps = plan(rounds)
        for number, step in enumerate(steps):
            assert set(reads(step)) <= set(steps[:number]), step
        assert after(steps, [steps[0]])[-1] == Step("export", rounds - 1)


def test_stages_of_round_0_do_not_start_a_later_round(tmp_path, capsys):
    stages = "photographs,segmenter,gan"
    more = ["--gan.kimg", "0.002", "--gan.batch-size", "2", "--gan.init", "scratch"]
    assert command(tmp_path, *more, stages=stages) == 0
    assert (tmp_path / "round_0" / "gan" / "done.json").exists()
    assert not (tmp_path / "round_1").exists()
    assert "gan (round 1) waits for cameras (round 1)" in capsys.readouterr().out
    assert command(tmp_path, *more, stages="gan") == 2
    assert "gan (round 1) waits for cameras (round 1), which has to" in capsys.readouterr().err


def test_a_template_or_masks_given_or_left_out_later_are_noticed(tmp_path):
    masks, mesh = tmp_path / "masks", tmp_path / "ring.obj"
    masks.mkdir()
    mesh.write_text("v 0 0 0")
    plain = Config(rounds=1)
    given = override(plain, photographs={"masks": str(masks)}, inverse={"template": str(mesh)})
    for number, (before, after_) in enumerate([(plain, given), (given, plain)]):
        workspace = finished(tmp_path / str(number), before)
        assert refused(workspace, before) == []
        steps = refused(workspace, after_)
        assert {"photographs", "inverse (round 0)"} <= set(steps)


def test_a_run_from_before_symmetry_had_names_and_templates_goes_on(tmp_path):
    config = Config(rounds=1)
    workspace = finished(tmp_path, config)
    record = json.loads((tmp_path / "round_0" / "inverse" / "depends_on.json").read_text())
    assert record["settings"]["inverse.symmetric"] is True
    assert "inverse.template" not in record["settings"]
    assert refused(workspace, config) == []
    assert "inverse (round 0)" in refused(
        workspace, override(config, inverse={"symmetric": "none"})
    )
