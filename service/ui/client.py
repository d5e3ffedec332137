"""The service as the page sees it: its public HTTP API, and nothing more."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import quote

import httpx

SECONDS = 180
"""For an answer; the service's own deadline is shorter by default."""
LOOK_SECONDS = 5
LINES = {"Accept": "application/x-ndjson"}


class CallError(Exception):
    """A call came to nothing; `message` is for the person before the page."""

    def __init__(self, message: str) -> None:
        super().__init__(message)
        self.message = message


class Absent(CallError):
    """Nothing answers at the service's address, or it is not ready."""


class Refused(CallError):
    """The service refused; `message` is its own words."""

    def __init__(self, status: int, code: str, message: str) -> None:
        super().__init__(message)
        self.status, self.code = status, code


class Service:
    """Calls of one open page. Every method raises `Absent` or `Refused`."""

    def __init__(self, http: httpx.AsyncClient, key: str = "") -> None:
        """`http` knows the service's address; `key`: of the API, where it wants one."""
        self._http = http
        self.key = key

    @property
    def address(self) -> str:
        """Where the service is, without a slash at the end."""
        return str(self._http.base_url).rstrip("/")

    async def check_ready(self) -> None:
        """Raise `Absent` unless the service is ready."""
        try:
            answer = await self._http.get("/readyz", timeout=LOOK_SECONDS)
        except (httpx.HTTPError, OSError) as error:
            raise self._absent(error) from error
        if answer.status_code != 200:
            raise Absent(f"The service at {self.address} is loading its model.")

    async def model(self) -> dict[str, Any]:
        """The answer of /v1/model."""
        return (await self._call("GET", "/v1/model")).json()

    async def parts(self) -> set[str]:
        """The names of what /v1/render can take from several objects, by its own description."""
        schemas = (await self._call("GET", "/docs.json")).json()["components"]["schemas"]
        return set(schemas["RenderRequest"]["properties"])

    async def reconstruct(
        self,
        photographs: list[tuple[str, bytes]],  # name and content of each file
        boxes: dict[str, list[float]] | None = None,  # left, top, right, bottom by name
    ) -> AsyncIterator[dict[str, Any]]:
        """The entry of each photograph as it finishes; `index` says which one."""
        files = [("images", photograph) for photograph in photographs]
        data = {"boxes": json.dumps(boxes)} if boxes else {}
        async with self._stream("POST", "/v1/reconstruct", files, data, LINES) as answer:
            async for line in answer.aiter_lines():
                if "index" in (entry := json.loads(line)):
                    yield entry

    async def render(self, wanted: dict[str, Any]) -> dict[str, Any]:
        """The answer of /v1/render."""
        return (await self._call("POST", "/v1/render", json=wanted)).json()

    async def film(self, wanted: dict[str, Any], media_type: str) -> bytes:
        """One animation of /v1/render as a file."""
        headers = {"Accept": media_type}
        return (await self._call("POST", "/v1/render", json=wanted, headers=headers)).content

    async def mesh(self, identity: str, mesh_format: str) -> bytes:
        """A kept mesh as a file; an OBJ is a ZIP."""
        path = f"/v1/reconstructions/{identity}/mesh"
        return (await self._call("GET", path, params={"format": mesh_format})).content

    async def start_job(self, name: str, archive: Any) -> dict[str, Any]:
        """A new job of a ZIP, which `archive` reads in chunks or holds as bytes."""
        return (await self._call("POST", "/v1/jobs", files={"archive": (name, archive)})).json()

    async def job(self, identity: str) -> dict[str, Any]:
        """How far a job is; `items` holds its first images."""
        return (
            await self._call("GET", f"/v1/jobs/{quote(identity, safe='')}", params={"limit": 1000})
        ).json()

    async def end_job(self, identity: str) -> None:
        """Cancel a job that runs, delete one that has ended."""
        await self._call("DELETE", f"/v1/jobs/{quote(identity, safe='')}")

    async def results(self, identity: str) -> AsyncIterator[bytes]:
        """The ZIP of a job, in chunks."""
        accepted = {"Accept": "application/zip"}
        path = f"/v1/jobs/{quote(identity, safe='')}/results"
        async with self._stream("GET", path, None, None, accepted) as answer:
            async for chunk in answer.aiter_bytes():
                yield chunk

    async def _call(
        self, method: str, path: str, headers: dict[str, str] | None = None, **body: Any
    ) -> httpx.Response:
        try:
            answer = await self._http.request(
                method, path, headers=self._headers(headers), timeout=SECONDS, **body
            )
        except (httpx.HTTPError, OSError) as error:
            raise self._absent(error) from error
        _check(answer)
        return answer

    @asynccontextmanager
    async def _stream(
        self, method: str, path: str, files: Any, data: Any, headers: dict[str, str]
    ) -> AsyncIterator[httpx.Response]:
        try:
            async with self._http.stream(
                method,
                path,
                files=files,
                data=data,
                headers=self._headers(headers),
                timeout=SECONDS,
            ) as answer:
                if answer.status_code >= 400:
                    await answer.aread()
                _check(answer)
                yield answer
        except (httpx.HTTPError, OSError) as error:
            raise self._absent(error) from error

    def _headers(self, more: dict[str, str] | None) -> dict[str, str]:
        return {**({"Authorization": f"Bearer {self.key}"} if self.key else {}), **(more or {})}

    def _absent(self, error: Exception) -> Absent:
        if isinstance(error, httpx.TimeoutException):
            return Absent(f"The service at {self.address} did not answer in time.")
        return Absent(f"No service answers at {self.address}.")


def _check(answer: httpx.Response) -> None:
    if answer.status_code < 400:
        return
    try:
        problem = answer.json()["error"]
        raise Refused(answer.status_code, problem["code"], problem["message"])
    except (ValueError, KeyError, TypeError):
        # A proxy between, or another program at this address.
        message = f"{answer.url} answered {answer.status_code}, which is not of this API."
        raise Refused(answer.status_code, "no_such_api", message) from None
