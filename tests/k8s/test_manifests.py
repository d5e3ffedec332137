import shutil
import subprocess
from pathlib import Path

import kubernetes_validate
import pytest
import yaml

from service.settings import PREFIX, REQUEST_TIMEOUT_SECONDS, read_settings

K8S = Path(__file__).parents[2] / "k8s"
KUBERNETES_VERSION = "1.31"
BASE_KINDS = {"Deployment", "Service", "PodDisruptionBudget", "HorizontalPodAutoscaler"}

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl (Debian's kubernetes-client) is not installed"
)


def build(folder: str) -> dict[str, dict]:
    """The objects of a kustomization, by kind."""
    built = subprocess.run(
        ["kubectl", "kustomize", K8S / folder], capture_output=True, text=True, check=False
    )
    assert built.returncode == 0, built.stderr
    return {document["kind"]: document for document in yaml.safe_load_all(built.stdout)}


def container(objects: dict[str, dict]) -> dict:
    (only,) = objects["Deployment"]["spec"]["template"]["spec"]["containers"]
    return only


@needs_kubectl
@pytest.mark.parametrize("folder", ["base", "overlays/cpu", "overlays/gpu"])
def test_every_object_built_is_valid(folder):
    objects = build(folder)
    assert set(objects) == BASE_KINDS
    for document in objects.values():
        kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)


def test_every_file_holds_one_object():
    for path in K8S.rglob("*.yaml"):
        assert len(list(yaml.safe_load_all(path.read_text()))) == 1, path


@needs_kubectl
def test_selectors_find_the_pods():
    objects = build("base")
    labels = objects["Deployment"]["spec"]["template"]["metadata"]["labels"]
    selectors = (
        objects["Deployment"]["spec"]["selector"]["matchLabels"],
        objects["PodDisruptionBudget"]["spec"]["selector"]["matchLabels"],
        objects["Service"]["spec"]["selector"],
    )
    for selector in selectors:
        assert selector
        assert selector.items() <= labels.items()


@needs_kubectl
def test_the_pod_is_confined_and_can_write_where_it_must():
    objects = build("base")
    pod = objects["Deployment"]["spec"]["template"]["spec"]
    confined = container(objects)["securityContext"]
    assert pod["securityContext"]["runAsNonRoot"] is True
    assert confined["readOnlyRootFilesystem"] is True
    assert confined["allowPrivilegeEscalation"] is False
    mounted = {mount["mountPath"] for mount in container(objects)["volumeMounts"]}
    variables = {entry["name"]: entry["value"] for entry in container(objects)["env"]}
    assert {variables["BENTOML_HOME"], "/tmp"} == mounted


@needs_kubectl
def test_draining_fits_in_the_grace_period():
    objects = build("base")
    command = container(objects)["lifecycle"]["preStop"]["exec"]["command"]
    grace = objects["Deployment"]["spec"]["template"]["spec"]["terminationGracePeriodSeconds"]
    assert command[0] == "sleep"
    assert int(command[1]) + REQUEST_TIMEOUT_SECONDS <= grace


@needs_kubectl
def test_probes_ask_readiness_to_start_and_liveness_to_live():
    service = container(build("base"))
    assert service["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert service["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert service["livenessProbe"]["httpGet"]["path"] == "/livez"


@needs_kubectl
@pytest.mark.parametrize(("overlay", "device"), [("overlays/cpu", "cpu"), ("overlays/gpu", "cuda")])
def test_an_overlay_demands_its_device_by_settings_the_service_knows(overlay, device):
    variables = {entry["name"]: entry["value"] for entry in container(build(overlay))["env"]}
    assert read_settings(variables).device == device
    known = {PREFIX + name.upper() for name in read_settings({}).__dict__}
    assert {name for name in variables if name.startswith(PREFIX)} <= known


@needs_kubectl
def test_the_gpu_overlay_takes_exactly_one_gpu():
    resources = container(build("overlays/gpu"))["resources"]
    assert resources["limits"]["nvidia.com/gpu"] == resources["requests"]["nvidia.com/gpu"] == "1"
