"""`--preset smoke` of another category: a folder of a dozen photographs goes through all stages."""

import json
import re

import pytest

from service.model import bundle
from tests.families.__main__ import photograph
from tests.train.data.template_files import write_ring
from tests.train.running.test_live_page import Parsed
from train import cycle
from train.preparing.probe import StageTime
from train.preparing.reading import preset_line, shape_lines

pytestmark = pytest.mark.slow

SHORT = """--photographs.size 32 --segmenter.steps 4 --gan.kimg 0.06 --gan.conditioned-kimg 0.04
--gan.batch-size 8 --gan.channels 512 --gan.most-channels 16 --viewpoints.candidates 60
--viewpoints.contents 4 --cameras.views-steps 3 --cameras.self-training-steps 3
--cameras.self-training-rounds 1 --multiview.objects 16 --multiview.views 4 --multiview.cameras 9
--inverse.steps 4 --inverse.batch-size 4 --inverse.width 8 --inverse.size 32
--inverse.texture-size 32 --inverse.processes 1 --disentangle.images 64
--disentangle.warmup-batch-size 4 --disentangle.warmup-steps 2 --disentangle.steps 1
--neural.images 64 --neural.batch-size 4 --neural.steps 2 --neural.width 4 --evaluate.objects 4
--evaluate.baseline-steps 2""".split()


def test_a_dozen_photographs_become_a_bundle_that_says_it_is_no_model(tmp_path, capsys):
    folder = tmp_path / "mugs"
    folder.mkdir()
    for number in range(12):
        photograph("mugs", folder, 40 + 3 * number, 1, number)
    ring = write_ring(tmp_path / "ring.obj")
    given = ["--preset", "smoke", "--data", str(folder), "--export.category", "mugs", *SHORT]
    run = tmp_path / "run"
    assert cycle.main([*given, "--template", str(ring), "--run", str(run)]) == 0
    assert "Its shapes, looks and cameras mean nothing" in capsys.readouterr().out
    loaded = bundle.load(run / "export" / "bundle")
    assert loaded.manifest.category == "mugs" and loaded.manifest.vertex_count == 128
    text = (run / "live.html").read_text()
    Parsed(text)
    assert text.count("<svg") > 5  # lines, or points where a step took no time to speak of
    assert "Done." in text and "gate photographs failed, accepted" in text
    assert text.count('<tr class="done">') == len(cycle.plan(2))
    done = json.loads((run / "round_0" / "gan" / "done.json").read_text())
    assert done["seconds"] > 0


def test_preflight_says_what_a_template_can_hold_and_how_long_presets_take(tmp_path):
    config = cycle.parse_command(["--preset", "cpu"]).config
    said = " ".join(shape_lines(config))
    assert "a sphere" in said and "legs of chairs close up" in said
    ring = write_ring(tmp_path / "ring.obj", uvs="quarter")
    other = cycle.parse_command(["--template", str(ring)]).config
    said = " ".join(shape_lines(other))
    assert "1 hole;" in said and "uvs are not mirrored" in said
    free = cycle.parse_command(["--inverse.symmetric", "none"]).config
    assert "both sides are free" in " ".join(shape_lines(free))
    slow, fast = (preset_line(config, [StageTime("gan", 1_000, s)]) for s in (600.0, 6.0))
    assert slow != fast
    assert re.search(r"smoke [^,]+, vehicles [^,]+, cpu [^,]+, gpu [^,]+, paper", fast)
