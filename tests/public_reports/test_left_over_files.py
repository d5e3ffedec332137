"""Files that a killed process leaves: none piles up, and a damaged one is named."""

import pytest

from train.data.array_file import ArrayFile
from train.running.workspace import Workspace, WorkspaceError, write_atomically


def test_what_killed_processes_were_about_to_write_goes_with_the_next_command(tmp_path):
    workspace = Workspace(tmp_path)
    stage = workspace.stage("export")
    for name in (".checkpoint.pt.4711.part", ".done.json.12.part"):
        stage.file(name).write_bytes(b"half")
    stage.file(".bundle.4711.part/segmenter.onnx").write_bytes(b"half")
    ArrayFile(stage.file("images.npy"), (4, 2)).rows[:] = 3  # goes on where it ended
    write_atomically(stage.file("mine.part"), b"a person's")
    with workspace.lock():
        pass
    assert sorted(path.name for path in stage.path.iterdir()) == [".images.npy.part", "mine.part"]
    assert ArrayFile(stage.file("images.npy"), (4, 2)).resumed


@pytest.mark.parametrize("kept", [0, 20, 700])
def test_a_damaged_checkpoint_is_named_and_says_what_to_do(tmp_path, kept):
    folder = Workspace(tmp_path).stage("inverse")
    folder.save_checkpoint({"step": 3})
    path = folder.path / "checkpoint.pt"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(WorkspaceError, match=r"checkpoint\.pt is damaged .* or delete it"):
        folder.load_checkpoint()
    path.unlink()
    assert folder.load_checkpoint() is None
