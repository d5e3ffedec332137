import pickle
import sys

import pytest

from train import cycle
from train.config import Config, ConfigError
from train.running.progress import Progress
from train.running.watching import EVENTS, watched
from train.running.workspace import Workspace


def test_without_the_package_event_files_are_refused_before_anything_runs(
    tmp_path, monkeypatch, capsys
):
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    run = tmp_path / "run"
    assert cycle.main(["--preset", "smoke", "--run", str(run), "--tensorboard"]) == 2
    assert "pip install tensorboard" in capsys.readouterr().err
    assert not (run / "photographs").exists()
    with pytest.raises(ConfigError), watched(Config(), Workspace(run), 0, True):
        pass


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_the_lines_of_the_statistics_are_scalars_of_event_files(tmp_path):
    pytest.importorskip("tensorboard")
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    workspace = Workspace(tmp_path)
    with watched(Config(), workspace, 0, True):
        watchers = pickle.loads(pickle.dumps(workspace.watchers))  # as other processes get them
        for step in (1, 2):
            Progress(workspace, "gan", 5, round=1, every=0.0).tick(step, loss_d=0.5 * step)
        watchers[0]({"stage": "gan", "round": 0, "step": 1, "total": 2, "time": 3.0, "loss_d": 7.0})
    for name, values in (("gan_1", [0.5, 1.0]), ("gan_0", [7.0])):
        read = EventAccumulator(str(tmp_path / EVENTS / name))
        read.Reload()
        assert [event.value for event in read.Scalars("loss_d")] == values
