"""The manifests are valid, whatever components are chosen, and say what the service needs."""

import re

import kubernetes_validate
import pytest
import yaml

from service.settings import (
    PREFIX,
    REQUEST_TIMEOUT_SECONDS,
    SHARE_FOR_PIXELS,
    Settings,
    read_settings,
)
from service.workers import WORKER_BYTES
from tests.k8s.built import (
    ALONE,
    BUNDLES,
    FREE,
    K8S,
    KUBERNETES_VERSION,
    WITH_GPU,
    build,
    combinations,
    needs_kubectl,
)

pytestmark = needs_kubectl
CORE = {
    "apps/v1", "v1", "policy/v1", "autoscaling/v2", "networking.k8s.io/v1",
}  # fmt: skip
OVERLAYS = ["overlays/cpu", "overlays/gpu"]
BASE_KINDS = {"Deployment", "Service", "PodDisruptionBudget", "ConfigMap"}
DRAWN_WITH = {"autoscaling": {"ScaledObject"}, "monitoring": {"PodMonitor", "PrometheusRule"},
              "gateway": {"HTTPRoute"}}  # fmt: skip
"""Kinds that a cluster has only with another program."""
each_combination = pytest.mark.parametrize("chosen", combinations(), ids="+".join)


def test_every_component_is_tried():
    assert {folder.name for folder in (K8S / "components").iterdir()} == {
        *ALONE, "api-keys", *WITH_GPU, *BUNDLES, *FREE,
    }  # fmt: skip


@each_combination
def test_every_object_built_is_valid(chosen):
    built = build(*chosen)
    foreign = set().union(*(DRAWN_WITH.get(name, set()) for name in chosen))
    for document in built.objects:
        if document["apiVersion"] in CORE:
            kubernetes_validate.validate(document, KUBERNETES_VERSION, strict=True)
        else:
            foreign.remove(document["kind"])
    assert not foreign


@each_combination
def test_every_reference_leads_to_an_object_or_is_named_as_the_users(chosen):
    built = build(*chosen)
    known = {(one["kind"], one["metadata"]["name"]) for one in built.objects}
    named = {("ConfigMap", one["configMapRef"]["name"]) for one in built.container["envFrom"]
             if "configMapRef" in one}  # fmt: skip
    named |= {("Secret", one["secretRef"]["name"]) for one in built.container["envFrom"]
              if "secretRef" in one}  # fmt: skip
    named |= {
        ("Secret", entry["valueFrom"]["secretKeyRef"]["name"])
        for entry in built.container["env"]
        if "valueFrom" in entry
    }
    assert named <= known
    claims = {one["persistentVolumeClaim"]["claimName"] for one in built.pod["volumes"]
              if "persistentVolumeClaim" in one}  # fmt: skip
    # What its component's first lines ask for.
    assert claims == ({"inverse-graphics-bundle"} if "bundle-volume" in chosen else set())


def test_every_file_holds_one_object():
    for path in K8S.rglob("*.yaml"):
        assert len(list(yaml.safe_load_all(path.read_text()))) == 1, path


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_an_overlay_as_it_stands_needs_nothing_but_kubernetes(overlay):
    scaling = {"HorizontalPodAutoscaler"} if overlay.endswith("cpu") else set()
    assert build(overlay).kinds == BASE_KINDS | scaling | {"Secret"}


def test_selectors_find_the_pods():
    built = build("base")
    deployment = built.one("Deployment")["spec"]
    labels = deployment["template"]["metadata"]["labels"]
    selectors = [
        deployment["selector"]["matchLabels"],
        built.one("PodDisruptionBudget")["spec"]["selector"]["matchLabels"],
        built.one("Service")["spec"]["selector"],
        *(one["labelSelector"]["matchLabels"] for one in built.pod["topologySpreadConstraints"]),
    ]
    more = build("overlays/cpu", *FREE)
    selectors += [
        more.one("NetworkPolicy")["spec"]["podSelector"]["matchLabels"],
        more.one("PodMonitor")["spec"]["selector"]["matchLabels"],
    ]
    for selector in selectors:
        assert selector
        assert selector.items() <= labels.items()


def test_routes_lead_to_the_service_and_to_v1_alone():
    built = build("overlays/cpu", *FREE)
    ports = {one["name"]: one["port"] for one in built.one("Service")["spec"]["ports"]}
    (rule,) = built.one("HTTPRoute")["spec"]["rules"]
    assert rule["backendRefs"] == [{"name": "inverse-graphics", "port": ports["http"]}]
    assert [match["path"]["value"] for match in rule["matches"]] == ["/v1"]
    assert int(rule["timeouts"]["request"].removesuffix("s")) > REQUEST_TIMEOUT_SECONDS
    ingress = built.one("Ingress")
    (path,) = ingress["spec"]["rules"][0]["http"]["paths"]
    assert (path["path"], path["backend"]["service"]["port"]["name"]) == ("/v1", "http")
    limits = {
        key.rsplit("/")[-1]: value for key, value in ingress["metadata"]["annotations"].items()
    }
    assert int(limits["proxy-read-timeout"]) > REQUEST_TIMEOUT_SECONDS
    assert int(limits["proxy-body-size"].removesuffix("m")) == Settings().body_limit_mebibytes
    pods_ports = {one["name"] for one in built.container["ports"]}
    assert {one["port"] for rule in built.one("NetworkPolicy")["spec"]["ingress"]
            for one in rule["ports"]} <= pods_ports  # fmt: skip


def test_the_pod_is_confined_and_can_write_where_it_must():
    built = build("base")
    confined = built.container["securityContext"]
    assert built.pod["securityContext"]["runAsNonRoot"] is True
    assert confined["readOnlyRootFilesystem"] is True
    assert confined["allowPrivilegeEscalation"] is False
    mounted = {mount["mountPath"] for mount in built.container["volumeMounts"]}
    assert {built.settings["BENTOML_HOME"], "/tmp"} == mounted


@pytest.mark.parametrize("overlay", OVERLAYS)
def test_draining_fits_in_the_grace_period(overlay):
    built = build(overlay)
    command = built.container["lifecycle"]["preStop"]["exec"]["command"]
    assert command[0] == "sleep"
    grace = built.pod["terminationGracePeriodSeconds"]
    assert int(command[1]) + REQUEST_TIMEOUT_SECONDS < grace


def test_a_rollout_is_given_up_only_after_a_start_could_have_ended():
    built = build("base")
    probe = built.container["startupProbe"]
    patience = probe["periodSeconds"] * probe["failureThreshold"]
    assert patience < built.one("Deployment")["spec"]["progressDeadlineSeconds"]


def test_probes_ask_readiness_to_start_and_liveness_to_live():
    container = build("base").container
    assert container["startupProbe"]["httpGet"]["path"] == "/readyz"
    assert container["readinessProbe"]["httpGet"]["path"] == "/readyz"
    assert container["livenessProbe"]["httpGet"]["path"] == "/livez"


@pytest.mark.parametrize(("overlay", "device"), [("overlays/cpu", "cpu"), ("overlays/gpu", "cuda")])
def test_an_overlay_demands_its_device_by_settings_the_service_knows(overlay, device):
    built = build(overlay, "bundle-volume")
    read = read_settings(built.settings)
    assert read.device == device
    (bundle,) = (one for one in built.container["volumeMounts"] if one["name"] == "bundle")
    assert (read.bundle, bundle["readOnly"]) == (bundle["mountPath"], True)
    assert settings_named(built.settings) <= known_settings()


def test_the_volumes_hold_what_the_settings_let_in():
    built = build("base")
    read = read_settings(built.settings)
    sizes = {one["name"]: one["emptyDir"]["sizeLimit"] for one in built.pod["volumes"]}
    assert mebibytes(sizes["bentoml-home"]) > read.jobs_limit_mebibytes
    assert mebibytes(sizes["tmp"]) > read.spool_limit_mebibytes
    most = mebibytes(built.container["resources"]["limits"]["ephemeral-storage"])
    assert most >= sum(map(mebibytes, sizes.values()))


@pytest.mark.parametrize(
    ("folder", "wanted"), [("base", 2), ("overlays/cpu", 4), ("overlays/gpu", 8)]
)
def test_memory_lets_a_pod_have_a_worker_for_each_of_its_cores(folder, wanted):
    resources = build(folder).container["resources"]
    worker = WORKER_BYTES >> 20
    most = int((1 - SHARE_FOR_PIXELS) * mebibytes(resources["limits"]["memory"]) / worker)
    cores = int(resources["limits"].get("cpu", most))
    assert wanted == cores <= most
    # What is asked for lets a node run them all.
    assert mebibytes(resources["requests"]["memory"]) >= wanted * worker


def mebibytes(text: str) -> int:
    number, unit = re.fullmatch(r"(\d+)(Mi|Gi)", text).groups()
    return int(number) * {"Mi": 1, "Gi": 1024}[unit]


def known_settings() -> set[str]:
    return {PREFIX + name.upper() for name in Settings.model_fields}


def settings_named(variables) -> set[str]:
    return {name for name in variables if name.startswith(PREFIX)}
