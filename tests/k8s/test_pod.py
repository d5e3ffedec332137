"""The pod of the built YAML in podman: its user, its limits, its probes, its end.

Needs an image, which INVERSE_GRAPHICS_IMAGE names: `make image ENGINE=podman`.
"""

import json
import os
import shutil
import subprocess
import time

import httpx
import pytest

from service.process import free_port
from service.settings import SHIPPED_BUNDLE
from tests.k8s.built import API_KEY, build, needs_kubectl
from tests.k8s.local_pod import REACHED_BY_ALL

IMAGE = os.environ.get("INVERSE_GRAPHICS_IMAGE")
pytestmark = [
    pytest.mark.server,
    pytest.mark.timeout(900),
    needs_kubectl,
    pytest.mark.skipif(shutil.which("podman") is None, reason="podman (Debian's) is not installed"),
    pytest.mark.skipif(not IMAGE, reason="INVERSE_GRAPHICS_IMAGE names no image"),
]
HEADERS = {"Authorization": f"Bearer {API_KEY}", "Accept": "model/gltf-binary"}


def podman(*words: str) -> str:
    done = subprocess.run(["podman", *words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{words}: {done.stderr}"
    return done.stdout.strip()


def command_of(built, port: int, folder) -> list[str]:
    """The words of `podman run` that say what the pod's YAML says."""
    container, pod = built.container, built.pod
    security, user = container["securityContext"], pod["securityContext"]
    assert security["capabilities"] == {"drop": ["ALL"]} and security["readOnlyRootFilesystem"]
    limits = container["resources"]["limits"]
    words = [
        "run", "--detach", "--read-only", "--read-only-tmpfs=false", "--cap-drop=ALL",
        "--security-opt=no-new-privileges", f"--user={user['runAsUser']}:{user['runAsGroup']}",
        f"--memory={limits['memory'].removesuffix('i').lower()}", f"--cpus={limits['cpu']}",
        "--network=host", "--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096",
        f"--env=INVERSE_GRAPHICS_API_KEYS={API_KEY}",
    ]  # fmt: skip
    words += [f"--env={name}={value}" for name, value in built.settings.items()]
    for mount in container["volumeMounts"]:
        volume = folder / mount["name"]
        volume.mkdir()
        os.chown(volume, 0, user["fsGroup"])
        volume.chmod(0o2775)
        words.append(f"--volume={volume}:{mount['mountPath']}")
    named = str(container["ports"][0]["containerPort"])
    replaced = {REACHED_BY_ALL: "127.0.0.1", named: str(port)}
    return [*words, IMAGE, *(replaced.get(word, word) for word in container["args"])]


@pytest.fixture(scope="module")
def pod(tmp_path_factory):
    """(the container's id, its address, its volumes' folder), once it is ready."""
    built, port = build("overlays/cpu"), free_port()
    folder = tmp_path_factory.mktemp("volumes")
    started = podman(*command_of(built, port, folder))
    try:
        address = f"http://127.0.0.1:{port}"
        wait(built.container["startupProbe"], started, address)
        yield started, address, folder
    finally:
        podman("rm", "--force", started)


def wait(probe, started, address):
    deadline = time.monotonic() + probe["periodSeconds"] * probe["failureThreshold"]
    while time.monotonic() < deadline:
        state = podman("inspect", "--format={{.State.Status}}", started)
        assert state == "running", podman("logs", started)
        try:
            url = f"{address}{probe['httpGet']['path']}"
            if httpx.get(url, timeout=probe["timeoutSeconds"]).status_code == 200:
                return
        except httpx.TransportError:
            pass  # not listening yet
        time.sleep(0.5)
    raise AssertionError(f"not ready in time:\n{podman('logs', started)}")


def test_the_pod_serves_confined_and_ends_when_asked(pod):
    started, address, folder = pod
    built = build("overlays/cpu")
    assert podman("exec", started, "id", "-u") == str(built.pod["securityContext"]["runAsUser"])
    refused = ["podman", "exec", started, "touch", "/app/x"]
    assert b"Read-only" in subprocess.run(refused, capture_output=True, check=False).stderr
    for probe in ("livenessProbe", "readinessProbe"):
        path = built.container[probe]["httpGet"]["path"]
        assert httpx.get(f"{address}{path}", timeout=30).status_code == 200
    compiled = {path.name: path.stat().st_mtime for path in (folder / "tmp").rglob("*.nb[ic]")}
    assert compiled
    photograph = next(iter((SHIPPED_BUNDLE / "samples").glob("*.jpg")))
    files = {"images": (photograph.name, photograph.read_bytes())}
    url = f"{address}/v1/reconstruct"
    assert httpx.post(url, files=files, timeout=120).status_code == 401
    answer = httpx.post(url, files=files, headers=HEADERS, timeout=120)
    assert answer.status_code == 200, answer.text
    assert answer.content[:4] == b"glTF"
    # The image holds all compiled code: none was added, and none was written anew.
    after = {path.name: path.stat().st_mtime for path in (folder / "tmp").rglob("*.nb[ic]")}
    assert after == compiled
    model = httpx.get(f"{address}/v1/model", headers={"Authorization": f"Bearer {API_KEY}"}).json()
    assert model["segmenter"]["kind"] == "general"
    podman("exec", started, *built.container["lifecycle"]["preStop"]["exec"]["command"][:1], "0")
    podman("kill", "--signal=TERM", started)
    asked = time.monotonic()
    assert podman("wait", started) == "0"
    assert time.monotonic() - asked < built.pod["terminationGracePeriodSeconds"]


def test_the_image_says_what_is_in_it():
    (about,) = json.loads(podman("image", "inspect", IMAGE))
    labels = about["Config"]["Labels"]
    wanted = ("title", "licenses", "version", "revision", "base.name")
    assert all(labels.get(f"org.opencontainers.image.{name}") for name in wanted)
    assert about["Config"]["User"] == "1034:1034"
    limits = ["--ulimit=nofile=4096:4096", "--ulimit=nproc=4096:4096"]
    read = ["run", "--rm", "--network=none", *limits,
            "--entrypoint=cat", IMAGE, "/app/sbom.cdx.json"]  # fmt: skip
    bill = json.loads(podman(*read))
    assert bill["bomFormat"] == "CycloneDX"
    names = {one["name"].lower() for one in bill["components"]}
    assert {"bentoml", "numpy", "onnxruntime", "pillow", "obstore", "psycopg"} <= names
    megabytes = about["Size"] / 1e6
    print(f"{megabytes:.0f} MB")
    assert "onnxruntime-gpu" in names or megabytes < 900
