from pathlib import Path
from typing import get_args

import pytest

from tests.train.smallest_bundle import write_bundle
from train.config import EvaluateConfig
from train.data.textured_object import AXES
from train.evaluate import main
from train.evaluation.options import Axis, Objects

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def bundle(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bundle(tmp_path_factory.mktemp("bundle"))


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["objects", "--masks", "somewhere"], "--masks (applied to python -m train.evaluate obj"),
        (["generator", "--split", "val"], "--split (applied to python -m train.evaluate generat"),
        (["photos", "x", "--views", "3"], "--views (applied to python -m train.evaluate photos)"),
        (["photos", "x", "--seed", "1"], "--seed (applied to python -m train.evaluate photos)"),
        (["photos", "x", "objects", "5"], "Unrecognized options: objects, 5"),
        (["generator", "--single-view", "x"], "--single-view (applied to"),
        (["objects", "--inception", "network.pt"], "--inception (applied to"),
        (["generator", "shipped", "--inception", "no/network.pt"], "no such file"),
        (["generator", "shipped", "--bundle", "no/bundle"], "no/bundle is not a folder"),
        (["generator", "shipped", "--bundle", "tests"], "no segmenter, which finds"),
        (["photos", "no/such/folder"], "is not a folder"),
        (["objects", "procedural:many"], "a number has to follow"),
        (["objects", "no/such/folder"], "is not a folder"),
        (["objects", "tests", "--up", "z", "--front", "-z"], "two different axes"),
        (["objects", "tests", "--front", "+y"], "two different axes"),
        (["objects", "--up", "z"], "how a folder's meshes lie"),
        (["objects", "procedural:3", "--front", "-y", "--up", "z"], "how a folder's meshes lie"),
        (["objects", "--nothing", "3"], "Unrecognized options: --nothing"),
        (["objects", "--baseline-steps", "3"], "Unrecognized options: --baseline-steps"),
        (["objects", "--gan.kimg", "3"], "Unrecognized options: --gan.kimg"),
        (["objects", "--out", __file__], "is a file: name a folder"),
        (["objects", "--seed", "-1"], "--seed -1: must be >= 0 and < 10000"),
        (["objects", "--views", "0"], "--views 0: must be >= 1"),
        (["objects", "0"], "at least 1"),
        (["photos"], "Missing from python -m train.evaluate photos: FOLDER"),
        ([], "Expected one of {objects, fused, photos, generator, disentangled}"),
        (["models"], "misplaced options: models"),
    ],
)
def test_impossible_arguments_are_refused(
    bundle: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    arguments: list[str],
    message: str,
) -> None:
    monkeypatch.chdir(Path(__file__).parents[3])
    given = [] if "--bundle" in arguments or not arguments else ["--bundle", str(bundle)]
    assert main([*arguments, *given]) == 2
    assert message in " ".join(capsys.readouterr().err.replace("│", "").split())


def test_a_number_alone_is_so_many_procedural_objects() -> None:
    assert Objects(source="200").procedural == Objects(source="procedural:200").procedural == 200
    assert Objects().procedural == EvaluateConfig.objects
    assert Objects(source=str(Path(__file__).parent)).procedural is None


def test_every_axis_that_meshes_are_rotated_by_may_be_the_front() -> None:
    assert get_args(Axis) == tuple(AXES)
