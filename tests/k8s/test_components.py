"""What each component changes."""

import base64

import pytest
import yaml

from service.settings import PREFIX, read_settings
from tests.k8s.built import (
    API_KEY,
    FREE,
    K8S,
    WITH_GPU,
    build,
    combinations,
    kustomize,
    needs_kubectl,
)
from tests.k8s.test_manifests import known_settings, settings_named

pytestmark = needs_kubectl
SCALERS = {"HorizontalPodAutoscaler", "ScaledObject"}
SHARED = {"gpu-time-slicing": "timeSlicing", "gpu-mps": "mps"}


@pytest.mark.parametrize("chosen", combinations(), ids="+".join)
def test_one_thing_only_says_how_many_replicas_there_are(chosen):
    built = build(*chosen)
    said = [kind for kind in built.kinds if kind in SCALERS]
    said += ["replicas"] * ("replicas" in built.one("Deployment")["spec"])
    assert len(said) == (chosen[0] != "base"), said


@pytest.mark.parametrize("chosen", combinations(), ids="+".join)
def test_a_gpu_pod_is_never_scaled_by_its_cpu_and_takes_one_gpu(chosen):
    built = build(*chosen)
    resources = built.container["resources"]
    gpus = {name: count for name, count in resources["limits"].items() if "nvidia.com/" in name}
    if not chosen[0].endswith("gpu"):
        assert not gpus
        return
    assert "HorizontalPodAutoscaler" not in built.kinds
    triggers = [
        one["type"]
        for document in built.objects
        if document["kind"] == "ScaledObject"
        for one in document["spec"]["triggers"]
    ]
    assert not {"cpu", "memory"} & set(triggers)
    assert list(gpus.values()) == ["1"]
    assert gpus.items() <= resources["requests"].items()


@pytest.mark.parametrize("name", SHARED)
def test_a_pod_asks_for_what_the_device_plugin_calls_a_shared_card(name):
    plugin = yaml.safe_load((K8S / "components" / name / "device-plugin.yaml").read_text())
    sharing = plugin["sharing"][SHARED[name]]
    (resource,) = sharing["resources"]
    assert sharing["renameByDefault"] is True and resource["replicas"] > 1
    limits = build("overlays/gpu", name).container["resources"]["limits"]
    assert limits[f"{resource['name']}.shared"] == "1"
    assert resource["name"] not in limits


def test_a_slice_of_a_card_replaces_the_card():
    limits = build("overlays/gpu", "gpu-mig").container["resources"]["limits"]
    assert limits["nvidia.com/mig-1g.18gb"] == "1" and "nvidia.com/gpu" not in limits


@pytest.mark.parametrize("overlay", ["cpu", "gpu"])
def test_an_overlay_is_closed_by_a_key_of_the_users(overlay):
    built = build(f"overlays/{overlay}")
    (entry,) = (one for one in built.container["env"] if "valueFrom" in one)
    secret = built.one("Secret")
    assert entry["valueFrom"]["secretKeyRef"]["name"] == secret["metadata"]["name"]
    given = base64.b64decode(secret["data"][entry["valueFrom"]["secretKeyRef"]["key"]]).decode()
    assert read_settings({entry["name"]: given}).api_keys == (API_KEY,)


def test_without_a_key_nothing_is_built(tmp_path):
    folder = tmp_path / "api-keys"
    folder.mkdir()
    source = K8S / "components" / "api-keys" / "kustomization.yaml"
    text = source.read_text()
    assert "openssl rand -hex 16 >" in text
    (folder / "kustomization.yaml").write_text(text)
    done = kustomize(folder)
    assert done.returncode != 0 and "api-keys" in done.stderr


def test_changed_settings_roll_the_pods():
    names = {
        build(*chosen).one("ConfigMap", "inverse-graphics-settings")["metadata"]["name"]
        for chosen in [("overlays/cpu",), ("overlays/gpu",), ("overlays/cpu", "bundle-volume")]
    }
    assert len(names) == 3


def test_the_shared_store_is_reached_through_a_secret_and_the_policy():
    built = build("overlays/cpu", *FREE)
    secret = built.one("Secret", "inverse-graphics-shared-store")
    variables = {name: base64.b64decode(text).decode() for name, text in secret["data"].items()}
    assert {"secretRef": {"name": secret["metadata"]["name"]}} in built.container["envFrom"]
    assert not {name for name in variables if name in built.settings}
    ports = {
        one["port"]
        for rule in built.one("NetworkPolicy")["spec"]["egress"]
        for one in rule["ports"]
    }
    assert {53, 5432, 443} == ports
    assert settings_named(variables) <= known_settings()
    assert read_settings(variables).store == variables[f"{PREFIX}STORE"]


def test_a_policy_alone_lets_pods_ask_for_names_only():
    policy = build("overlays/cpu", "network-policy").one("NetworkPolicy")["spec"]
    assert policy["policyTypes"] == ["Ingress", "Egress"]
    assert [one["port"] for rule in policy["egress"] for one in rule["ports"]] == [53, 53]


def test_every_way_to_share_a_card_is_tried_with_the_gpu_overlay():
    tried = {chosen[1] for chosen in combinations() if chosen[0] == "overlays/gpu" and chosen[1:]}
    assert set(WITH_GPU) <= tried
