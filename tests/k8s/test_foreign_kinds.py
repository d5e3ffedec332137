"""Objects of other programs, by schemas that these tests do not ship; skipped where there are none.

- `npm install @kubernetes-models/keda @kubernetes-models/prometheus-operator
  @kubernetes-models/gateway-api` in the root, or in a folder that NODE_PATH names.
- INVERSE_GRAPHICS_CRDS: a folder of CustomResourceDefinitions as YAML files, such as a cluster's
  own (`kubectl get crd NAME -o yaml`). It is stricter, as it refuses fields that no schema knows.
"""

import json
import os
import shutil
import subprocess
from pathlib import Path

import jsonschema
import pytest
import yaml

from service.process import ROOT
from tests.k8s.built import K8S

FOREIGN = (
    "batch/rayjob.yaml",
    "components/autoscaling/scaledobject.yaml",
    "components/gateway/httproute.yaml",
    "components/monitoring/podmonitor.yaml",
    "components/monitoring/prometheusrule.yaml",
)
PACKAGES = {
    "ScaledObject": "keda",
    "PodMonitor": "prometheus-operator",
    "PrometheusRule": "prometheus-operator",
    "HTTPRoute": "gateway-api",
}
VALIDATE = """
const given = JSON.parse(process.argv[1]);
import(process.argv[2]).then(
    (models) => {
        const model = models[given.kind] ?? models.default[given.kind];
        try { new model(given).validate(); }
        catch (error) { console.error(error.message); process.exit(1); }
    },
    (error) => { console.error(error.code); process.exit(3); });
"""
NODE = shutil.which("node")
# Modules are looked for beside the folder in which node runs.
MODULES = Path(os.environ.get("NODE_PATH") or ROOT / "node_modules")


def read(name: str) -> dict:
    return yaml.safe_load((K8S / name).read_text())


@pytest.mark.parametrize("name", FOREIGN)
def test_a_package_of_npm_finds_it_valid(name):
    document = read(name)
    package = PACKAGES.get(document["kind"])
    if package is None:
        pytest.skip(f"no package has the schema of {document['kind']}")
    if NODE is None:
        pytest.skip("needs node")
    said = by_package(package, document)
    assert said.returncode == 0, said.stderr
    # A schema that took anything would be none.
    assert by_package(package, {**document, "spec": 1}).returncode == 1


def by_package(package: str, document: dict) -> subprocess.CompletedProcess:
    path = f"@kubernetes-models/{package}/{document['apiVersion']}"
    done = subprocess.run(
        [NODE, "-e", VALIDATE, json.dumps(document), path],
        cwd=MODULES.parent, capture_output=True, text=True, check=False,
    )  # fmt: skip
    if done.returncode == 3:
        pytest.skip(f"needs npm install @kubernetes-models/{package}")
    return done


@pytest.mark.parametrize("name", FOREIGN)
def test_the_definitions_of_a_cluster_find_it_valid(name):
    folder = os.environ.get("INVERSE_GRAPHICS_CRDS")
    if not folder:
        pytest.skip("INVERSE_GRAPHICS_CRDS names no folder of CustomResourceDefinitions")
    document = read(name)
    schema = definition(Path(folder), document)
    # Patterns are Go's, which a check of the schema itself would refuse.
    jsonschema.Draft202012Validator(schema).validate(document)
    assert list(unknown(document, schema, document["kind"])) == []


def definition(folder: Path, document: dict) -> dict:
    """The schema of a document's kind and version."""
    for path in sorted(folder.glob("*.yaml")):
        spec = yaml.load(path.read_text(), yaml.CSafeLoader)["spec"]
        for version in spec["versions"]:
            if (f"{spec['group']}/{version['name']}", spec["names"]["kind"]) == (
                document["apiVersion"],
                document["kind"],
            ):
                return version["schema"]["openAPIV3Schema"]
    pytest.skip(f"{folder} defines no {document['kind']} of {document['apiVersion']}")


def unknown(value, schema: dict, where: str):
    """Fields that a cluster would drop without a word."""
    if isinstance(value, list):
        for number, one in enumerate(value):
            yield from unknown(one, schema.get("items", {}), f"{where}[{number}]")
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    fields, others = schema.get("properties"), schema.get("additionalProperties")
    if fields is None and others is None:
        return  # metadata, which is not described
    for name, one in value.items():
        known = (fields or {}).get(name, others)
        if known is None:
            yield f"{where}.{name}"
        else:
            yield from unknown(one, known if isinstance(known, dict) else {}, f"{where}.{name}")
