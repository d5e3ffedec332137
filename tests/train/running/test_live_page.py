import os
import pickle
import re
import time
from html.parser import HTMLParser

import pytest

from train.config import Config, GanConfig, override
from train.running.gate import as_facts, gate
from train.running.live_page import PAGE, LivePage
from train.running.plan import Step
from train.running.progress import Progress
from train.running.time_left import duration, expected, usual_seconds
from train.running.watching import watched
from train.running.workspace import Workspace, WorkspaceError

VOID = {"meta", "img", "polyline", "br", "link"}


class Parsed(HTMLParser):
    """Every element closed in its turn; addresses and lines."""

    def __init__(self, text):
        super().__init__()
        self.open, self.addresses, self.lines = [], [], 0
        self.feed(text)
        assert self.open == []

    def handle_starttag(self, tag, attributes):
        if tag not in VOID:
            self.open.append(tag)
        self.addresses += [value for name, value in attributes if name in ("src", "href")]

    def handle_startendtag(self, tag, attributes):
        self.lines += tag == "polyline" and len(dict(attributes)["points"].split()) > 1

    def handle_endtag(self, tag):
        assert self.open.pop() == tag


@pytest.fixture
def workspace(tmp_path):
    """A run whose segmenter is done and whose GAN runs."""
    workspace = Workspace(tmp_path / "run & co")
    one = gate("masks", 0.5, 0.7, "3 <of> 6 masks", "Look")
    workspace.stage("segmenter").file("images/1.png").write_bytes(b"")
    workspace.stage("segmenter").finish(gates=as_facts([one]), seconds=90.0)
    workspace.stage("gan").file("images/000025 a.png").write_bytes(b"")
    (workspace.path / "config.json").write_text("{}")
    return workspace


def page_of(workspace, config=None):
    return LivePage(config or Config(gan=GanConfig(kimg=32)), workspace)


def trained(workspace, page, steps=5, stage="gan"):
    progress = Progress(workspace, stage, 1_000, every=0.0)
    page.begin(Step(stage, 0))
    for step in range(1, steps + 1):
        time.sleep(0.002)
        progress.tick(step, loss_d=1 / step, loss_g=step)
    page.write()
    return (workspace.path / PAGE).read_text()


def test_the_page_parses_holds_curves_and_refers_to_nothing_outside(workspace):
    text = trained(workspace, page_of(workspace))
    parsed = Parsed(text)
    assert parsed.lines == 2
    assert all(not re.match(r"[a-z]+:|/", address) for address in parsed.addresses)
    assert "round_0/gan/images/000025%20a.png" in parsed.addresses
    for address in parsed.addresses:
        if not address.startswith("#"):
            assert (workspace.path / address.replace("%20", " ")).exists(), address
    assert "gate masks failed" in text and "3 &lt;of&gt; 6 masks. Look" in text
    assert 'http-equiv="refresh"' in text


def test_it_says_how_long_the_stage_and_the_whole_run_take(workspace):
    text = trained(workspace, page_of(workspace))
    (row,) = re.findall(r'<tr class="runs">.*?</tr>', text, re.DOTALL)
    assert re.search(r">(about )?\d+ (s|min) left<", row), row
    assert re.search(r"About [\d a-z]+ left, until [\w ]*\d\d:\d\d", text)


def test_a_step_goes_by_its_own_stage_else_by_the_machine():
    config, first, later = Config(), Step("gan", 0), Step("gan", 1)
    steps = [first, later, Step("neural", 1)]
    slow = {first: 3 * usual_seconds(config, first)}
    found = expected(config, steps, slow)
    assert found[later].seconds == pytest.approx(3 * usual_seconds(config, later))
    assert found[later].timed and not found[steps[2]].timed
    assert found[steps[2]].seconds == pytest.approx(3 * usual_seconds(config, steps[2]))
    assert [duration(s) for s in (40, 125, 11_100, 100_000)] == [
        "40 s", "2 min", "3 h 05 min", "1 day 3 h",
    ]  # fmt: skip


def test_it_costs_little_and_reads_only_what_is_new(workspace):
    page = page_of(workspace)
    line = '{"stage": "gan", "round": 0, "step": %d, "total": 50000, "time": 1.0, "a": %d}\n'
    lines = (line % (number, number) for number in range(20_000))
    (workspace.path / "stats.jsonl").write_text("".join(lines))
    page.curves.read()
    assert len(page.curves.by_step[Step("gan", 0)]["a"].segments[0]) <= 400
    trained(workspace, page)
    position = page.curves.position
    began = time.process_time()
    page.write()
    assert time.process_time() - began < 0.05
    assert page.curves.position == position == os.path.getsize(workspace.path / "stats.jsonl")


def test_a_process_that_shares_a_stage_writes_it_too(workspace):
    page = pickle.loads(pickle.dumps(page_of(workspace)))
    assert Parsed(trained(workspace, page)).lines == 2


def test_it_is_written_at_most_every_so_many_seconds(workspace):
    page = page_of(workspace)
    workspace.watchers.append(page)
    trained(workspace, page)
    first = (workspace.path / PAGE).stat().st_mtime_ns
    Progress(workspace, "gan", 10, every=0.0).tick(10, loss_d=1.0)
    assert (workspace.path / PAGE).stat().st_mtime_ns == first
    page.every = 0.0
    Progress(workspace, "gan", 10, every=0.0).tick(10, loss_d=1.0)
    assert (workspace.path / PAGE).stat().st_mtime_ns > first


def test_a_page_that_cannot_be_written_stops_no_training_and_is_said_once(workspace, capsys):
    (workspace.path / PAGE).mkdir()
    with watched(Config(), workspace, 0.001, False) as begins:
        begins(Step("gan", 0))
        for step in range(3):
            time.sleep(0.002)
            Progress(workspace, "gan", 10, every=0.0).tick(step + 1, loss=1.0)
    assert capsys.readouterr().err.count("live.html cannot be written") == 1
    assert len((workspace.path / "stats.jsonl").read_text().splitlines()) == 3


def test_why_a_command_ended_is_on_the_page(workspace):
    with pytest.raises(WorkspaceError), watched(Config(), workspace, 10.0, False):
        raise WorkspaceError("fill in <viewpoints.csv>")
    text = (workspace.path / PAGE).read_text()
    assert "fill in &lt;viewpoints.csv&gt;" in text and "Stopped; the same command goes on" in text


def test_a_command_that_is_refused_at_once_writes_no_page(tmp_path):
    workspace = Workspace(tmp_path)
    with pytest.raises(WorkspaceError), watched(Config(), workspace, 10.0, False):
        raise WorkspaceError("no such folder")
    assert list(tmp_path.iterdir()) == []


def test_a_stage_that_takes_longer_than_guessed_is_not_about_to_end(workspace):
    page = page_of(workspace)
    page.begin(Step("neural", 1))
    page.step_began -= 1e7
    page.write()
    (row,) = re.findall(
        r'<tr class="runs">.*?</tr>', (workspace.path / PAGE).read_text(), re.DOTALL
    )
    assert "longer than guessed" in row and "width: 97%" in row


def test_estimates_follow_the_settings():
    short = override(Config(), gan={"kimg": 100.0})
    step = Step("gan", 0)
    assert usual_seconds(short, step) < usual_seconds(Config(), step) / 5
