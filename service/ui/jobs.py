"""Tab Jobs: a ZIP of photographs, worked off while nobody waits."""

# pyright: reportMissingImports=false
import json
import tempfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

from nicegui import background_tasks, ui
from nicegui.events import MultiUploadEventArguments

from service.ui import words
from service.ui.client import Absent, CallError
from service.ui.elements import Drop
from service.ui.session import Session
from service.ui.tags import Tag, button

LOOK_SECONDS = 1.0
NONE = "No jobs yet. One that ends keeps its results for a day, unless the service says otherwise."
BROWSER_SECONDS = 30
REMEMBERED = "inverse-graphics-jobs"
"""In the browser's own storage: the API lists no jobs."""
MOST_FAILURES = 50
ENDED = ("done", "cancelled")


class Jobs:
    """The jobs that this browser has sent."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._jobs: dict[str, Row] = {}
        with Tag("section").classes("jobs").props('aria-label="Jobs"'):
            with Tag("div").classes("tray"):
                Drop(
                    "Drop a ZIP of photographs",
                    "up to 10,000; masks in a folder masks/ beside them",
                    self._dropped,
                    accept=".zip,application/zip",
                    camera=False,
                )
            self._list = Tag("div").classes("rows")
            with self._list:
                self._none = Tag("p", NONE).classes("soft")

    async def recall(self) -> None:
        """Show the jobs that this browser remembers; called once it is connected."""
        asked = f"localStorage.getItem({REMEMBERED!r})"
        try:
            with self._list:
                stored = await ui.run_javascript(asked, timeout=BROWSER_SECONDS)
            identities = [str(one) for one in json.loads(stored or "[]")]
        except (ValueError, TypeError, TimeoutError):
            return  # there is none, or it is not ours
        for identity in identities:
            self._show({"id": identity})

    async def _dropped(self, event: MultiUploadEventArguments) -> None:
        for file in event.files:
            with tempfile.TemporaryDirectory() as folder:
                path = Path(folder) / "photographs.zip"
                await file.save(path)
                with open(path, "rb") as archive:
                    try:
                        job = await self._session.service.start_job(file.name, archive)
                    except CallError as error:
                        self._refuse(file.name, error)
                        continue
            self._show({**job, "name": file.name})
            self._remember()

    def _refuse(self, name: str, error: CallError) -> None:
        with self._list, Tag("div").classes("job") as row:
            Tag("h3", name)
            Tag("p", error.message).classes("wrong").props("role=alert")
            button("Close", lambda: row.delete())
        row.move(target_index=0)

    def _show(self, job: dict[str, Any]) -> None:
        if job["id"] in self._jobs:
            return
        self._none.set_visibility(False)
        with self._list:
            row = Row(self._session, job, self._forget)
        self._jobs[job["id"]] = row

    def _forget(self, identity: str) -> None:
        self._jobs.pop(identity, None)
        self._none.set_visibility(not self._jobs)
        self._remember()

    def _remember(self) -> None:
        known = json.dumps(list(self._jobs))
        with self._list:
            ui.run_javascript(f"localStorage.setItem({REMEMBERED!r}, {json.dumps(known)})")


class Row:
    """One job, looked at until it has ended."""

    def __init__(self, session: Session, job: dict[str, Any], forget: Any) -> None:
        self._session, self._identity, self._forget = session, job["id"], forget
        self._has_ended = False
        with Tag("div").classes("job") as self._row:
            Tag("h3", job.get("name") or f"Job {self._identity[:8]}")
            self._bar = Tag("progress").props('max=1 value=0 aria-label="Progress"')
            self._text = Tag("p", "").props("role=status")
            self._failures = Tag("ul").classes("failures")
            with Tag("div").classes("bar"):
                self._get = button("Download results", self._download, kind="first")
                self._end = button("Cancel", self._stop)
            self._timer = ui.timer(LOOK_SECONDS, self._look)
        self._row.move(target_index=0)

    async def _look(self) -> None:
        try:
            job = await self._session.service.job(self._identity)
        except Absent as error:
            self._text.set_text(f"{error.message} Trying again …")
            return
        except CallError as error:
            self._close()
            self._text.set_text(error.message)
            self._get.set_visibility(False)
            self._end.set_text("Remove")
            return
        self._tell(job)

    def _tell(self, job: dict[str, Any]) -> None:
        self._bar.props(f"value={job['progress']}")
        done, failed, total = job["succeeded"], job["failed"], job["total"]
        parts = [f"{done} of {total} photographs are meshes"]
        if failed:
            parts.append(f"{failed} failed")
        if job["state"] == "running" and (left := job.get("eta_seconds")):
            parts.append(f"about {words.duration(left)} left")
        if job["state"] == "cancelled":
            parts.append("cancelled")
        self._text.set_text(", ".join(parts) + ".")
        self._get.set_visibility(done + failed > 0)
        problems = [item for item in job["items"] if item["status"] == "error"][:MOST_FAILURES]
        self._failures.clear()
        with self._failures:
            for item in problems:
                Tag("li", f"{item['name']}: {item['error']['message']}")
        if job["state"] in ENDED:
            self._close()
            self._end.set_text("Delete")

    def _close(self) -> None:
        """No more looks: it has ended, or is gone."""
        self._has_ended = True
        self._timer.cancel()

    def _download(self) -> None:
        async def chunks() -> AsyncIterator[bytes]:
            async for chunk in self._session.service.results(self._identity):
                yield chunk

        name = f"{self._identity}.zip"
        address = self._session.shelf.put(name, "application/zip", chunks)
        ui.download.from_url(address, name)

    async def _stop(self) -> None:
        ended = self._has_ended
        try:
            await self._session.service.end_job(self._identity)
        except Absent as error:
            ui.notify(error.message, type="negative")
            return
        except CallError:
            ended = True  # it is gone already
        if ended:
            self._forget(self._identity)
            self._row.delete()
        else:
            background_tasks.create(self._look())
