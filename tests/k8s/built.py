"""What `kubectl kustomize` makes of the manifests, with any components."""

import functools
import shutil
import subprocess
import tempfile
from pathlib import Path
from typing import NamedTuple

import pytest
import yaml

K8S = Path(__file__).parents[2] / "k8s"
KUBERNETES_VERSION = "1.31"
ALONE = ("replicas", "autoscaling-cpu", "cpu", "gpu")
"""Components that only an overlay lists."""
WITH_GPU = ("gpu-time-slicing", "gpu-mps", "gpu-mig")
BUNDLES = ("bundle-volume", "bundle-image")
"""One of each of these two at most."""
FREE = ("autoscaling", "network-policy", "shared-store", "monitoring", "gateway", "ingress")
"""In an order that works: the store's egress is added to the policy's."""
API_KEY = "0123456789abcdef0123456789abcdef"

needs_kubectl = pytest.mark.skipif(
    shutil.which("kubectl") is None, reason="kubectl (Debian's kubernetes-client) is not installed"
)


class Built(NamedTuple):
    """The objects of one kustomization."""

    objects: tuple[dict, ...]

    def one(self, kind: str, name: str = "inverse-graphics") -> dict:
        """The object of this kind whose name begins so: a generated one ends in a hash."""
        (found,) = (
            one
            for one in self.objects
            if one["kind"] == kind and one["metadata"]["name"].startswith(name)
        )
        return found

    @property
    def kinds(self) -> set[str]:
        return {one["kind"] for one in self.objects}

    @property
    def pod(self) -> dict:
        return self.one("Deployment")["spec"]["template"]["spec"]

    @property
    def container(self) -> dict:
        (only,) = self.pod["containers"]
        return only

    @property
    def settings(self) -> dict[str, str]:
        """The variables that are no secrets: of the ConfigMap, and of the container itself."""
        own = {entry["name"]: entry["value"] for entry in self.container["env"] if "value" in entry}
        return {**self.one("ConfigMap", "inverse-graphics-settings")["data"], **own}


@functools.cache
def _tree() -> Path:
    """A copy of the manifests, with the two files that each user writes."""
    copy = Path(tempfile.mkdtemp(prefix="k8s-tests-")) / "k8s"
    shutil.copytree(K8S, copy)
    components = copy / "components"
    (components / "api-keys" / "api-keys").write_text(API_KEY + "\n")
    example = components / "shared-store" / "shared-store.env.example"
    shutil.copyfile(example, example.with_suffix(""))
    return copy


def kustomize(folder: Path) -> subprocess.CompletedProcess:
    command = ["kubectl", "kustomize", folder]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@functools.cache
def build(overlay: str, *components: str) -> Built:
    """An overlay below k8s/ with further components at the end of its list."""
    folder = _tree() / overlay
    if components:
        own = yaml.safe_load((folder / "kustomization.yaml").read_text())
        own["components"] += [f"../../components/{name}" for name in components]
        folder = Path(tempfile.mkdtemp(dir=_tree() / "overlays"))
        (folder / "kustomization.yaml").write_text(yaml.safe_dump(own))
    done = kustomize(folder)
    assert done.returncode == 0, done.stderr
    return Built(tuple(yaml.safe_load_all(done.stdout)))


def combinations() -> list[tuple[str, ...]]:
    """Each component alone, and all that go together, for both overlays."""
    cpu, gpu = "overlays/cpu", "overlays/gpu"
    found = [(folder,) for folder in ("base", cpu, gpu)]
    found += [(cpu, name) for name in (*FREE, *BUNDLES)]
    found += [(gpu, name) for name in (*WITH_GPU, *BUNDLES, "autoscaling", "shared-store")]
    found += [(cpu, *FREE, bundle) for bundle in BUNDLES]
    return found + [(gpu, sharing, *FREE, "bundle-volume") for sharing in WITH_GPU]
