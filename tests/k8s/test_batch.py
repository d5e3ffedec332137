"""The RayJob, whose schema no package holds: by structure, against the command and its pins."""

import re
import shlex

import kubernetes_validate
import pytest
import yaml

from service.batch.options import Options
from service.process import ROOT
from tests.k8s.built import K8S, KUBERNETES_VERSION, build, needs_kubectl

IMAGE = "inverse-graphics-batch"
POD_META = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "x"}}
KNOWN = {
    "entrypoint", "backoffLimit", "shutdownAfterJobFinishes", "ttlSecondsAfterFinished",
    "rayClusterSpec",
}  # fmt: skip


@pytest.fixture(scope="module")
def job():
    return yaml.safe_load((K8S / "batch" / "rayjob.yaml").read_text())


def groups(job):
    cluster = job["spec"]["rayClusterSpec"]
    return [cluster["headGroupSpec"], *cluster["workerGroupSpecs"]]


def test_it_is_a_ray_job_of_fields_that_kuberay_has(job):
    assert (job["apiVersion"], job["kind"]) == ("ray.io/v1", "RayJob")
    assert set(job["spec"]) == KNOWN
    for group in groups(job):
        assert isinstance(group["rayStartParams"], dict)
        # KubeRay hands them to `ray start` as texts.
        assert all(isinstance(value, str) for value in group["rayStartParams"].values())
    for workers in groups(job)[1:]:
        assert workers["minReplicas"] <= workers["replicas"] <= workers["maxReplicas"]


def test_its_pods_are_valid_and_confined(job):
    for group in groups(job):
        pod = group["template"]["spec"]
        kubernetes_validate.validate({**POD_META, "spec": pod}, KUBERNETES_VERSION, strict=True)
        assert pod["securityContext"]["runAsNonRoot"] is True
        (container,) = pod["containers"]
        assert container["image"] == IMAGE
        assert container["securityContext"]["allowPrivilegeEscalation"] is False


def test_it_calls_the_command_at_the_version_that_is_pinned(job):
    words = shlex.split(job["spec"]["entrypoint"])
    assert words[:3] == ["python", "-m", "service.batch"]
    assert Options(*words[3:]).photographs.startswith("s3://")
    version = job["spec"]["rayClusterSpec"]["rayVersion"]
    pinned = {
        name: re.findall(r"^.*ray(?:\[[a-z,]+\])?==([0-9.]+)", (ROOT / name).read_text(), re.M)
        for name in ("pyproject.toml", ".ci/constraints.txt", "k8s/batch/Dockerfile")
    }
    assert pinned == {name: [version] for name in pinned}


@needs_kubectl
def test_the_image_is_named_in_one_place():
    job = build("batch").one("RayJob")
    images = [
        container["image"]
        for group in groups(job)
        for container in group["template"]["spec"]["containers"]
    ]
    assert images == [f"{IMAGE}:latest"] * 2
