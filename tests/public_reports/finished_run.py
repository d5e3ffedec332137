"""A run whose steps are done, and what a command of other settings or data would contradict."""

from train.running.record import Records
from train.running.workspace import Workspace


def finished(path, config):
    """A run whose steps are all done, as far as their records tell."""
    workspace = Workspace(path)
    records = Records(config, workspace)
    for step in records.steps:
        folder = records.folder(step)
        folder.file("result").write_text("made before")
        records.write(step)
        folder.finish(round=step.round)
        records.write(step)
    return workspace


def refused(workspace, config):
    """The steps that a command of these settings would contradict."""
    return [str(change.step) for change in Records(config, workspace).changes()]
