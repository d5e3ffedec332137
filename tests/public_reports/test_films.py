"""Films are written through temporary files, which a full disk has no room for."""

import tempfile

import pytest

from service.http.spool import Spool
from service.jobs.store import JobStore
from service.pipeline.engine import Engine
from service.settings import Settings
from tests.public_reports.small_disk import filled, mounted, serving_in_process
from tests.service.requests import jpeg, post


@pytest.fixture(scope="module")
def own(bundle_folder, tmp_path_factory):
    pytest.importorskip("imageio_ffmpeg", reason="imageio-ffmpeg is not installed (extra video)")
    settings = Settings(bundle=str(bundle_folder), segmenter="bundle", device="cpu", threads=1)
    store = JobStore(tmp_path_factory.mktemp("jobs"))
    with serving_in_process(Engine(settings), store, Spool(64)) as client:
        yield client


@pytest.mark.parametrize("free", [0, 4 << 10], ids=["full", "full_halfway"])
def test_a_film_that_temporary_files_have_no_room_for_says_so(own, tmp_path, monkeypatch, free):
    (entry,) = post(own, jpeg()).json()["images"]
    asked = {
        "reconstruction": {"id": entry["id"]},
        "size": 256,
        "turntable": {"frames": 24},
        "animation": {"format": "mp4"},
    }
    made = own.post("/v1/render", json=asked, headers={"accept": "video/mp4"})
    assert made.status_code == 200 and len(made.content) > 2 * free
    with mounted(tmp_path / "temporary", 2) as folder:
        (folder / "kept").write_bytes(bytes(free))
        with filled(folder):
            (folder / "kept").unlink()
            monkeypatch.setattr(tempfile, "tempdir", str(folder))
            answer = own.post("/v1/render", json=asked)
            monkeypatch.undo()
            assert [path.name for path in folder.iterdir()] == ["filling"]
    assert (answer.status_code, answer.json()["error"]["code"]) == (507, "insufficient_storage")
    assert own.post("/v1/render", json=asked).status_code == 200
