"""The image is built of what the tests run with, and as the manifests start it."""

import json
import re
import tomllib
from importlib import metadata

import pytest
import yaml
from packaging.requirements import Requirement
from packaging.specifiers import SpecifierSet
from packaging.utils import canonicalize_name

from service.process import ROOT
from tests.k8s.built import build, needs_kubectl

DOCKERFILE = (ROOT / "k8s" / "image" / "Dockerfile").read_text().replace("\\\n", " ")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
PINS = {
    canonicalize_name(line.partition("==")[0]): line.partition("==")[2]
    for line in (ROOT / ".ci" / "constraints.txt").read_text().split()
}
WITHOUT_EXTRA = {"extra": ""}


def instruction(name: str) -> list[str]:
    """What stands behind an instruction of the last stage, in exec form where it is one."""
    (found,) = re.findall(rf"^{name} (.+)$", DOCKERFILE.rpartition("\nFROM ")[2], re.M)
    return json.loads(found) if found.startswith("[") else found.split()


def default_extras() -> list[str]:
    """Of the image, where its builder names none; the Makefile and the Dockerfile agree."""
    (made,) = re.findall(r"^EXTRAS +\?= (\S+)$", (ROOT / "Makefile").read_text(), re.M)
    assert re.findall(r"^ARG EXTRAS=(.*)$", DOCKERFILE, re.M) == [made]
    return made.split(",")


def closure(requirements: list[str]) -> dict[str, str]:
    """Names and installed versions of all that the requirements bring."""
    found, left = {}, [Requirement(text) for text in requirements]
    while left:
        one = left.pop()
        name = canonicalize_name(one.name)
        environments = [{"extra": extra} for extra in one.extras] or [WITHOUT_EXTRA]
        if name in found and not one.extras:
            continue
        found[name] = metadata.version(name)
        for text in metadata.requires(name) or []:
            needed = Requirement(text)
            if needed.marker is None or any(map(needed.marker.evaluate, environments)):
                left.append(needed)
    return found


def test_every_package_of_the_image_is_pinned_to_what_the_tests_run_with():
    extras = PROJECT["optional-dependencies"]
    wanted = [*PROJECT["dependencies"], *extras["cpu"]]
    wanted += [text for name in default_extras() for text in extras[name]]
    wanted = [text for text in wanted if not text.startswith("uvloop")] + ["uvloop"]
    found = closure(wanted)
    assert len(found) > 60
    assert {name: version for name, version in found.items() if PINS.get(name) != version} == {}


def test_the_image_can_open_a_store_that_replicas_share():
    assert "shared" in default_extras()


def test_every_installation_in_the_image_heeds_the_pins():
    installations = re.findall(r"pip install ([^&]+)", DOCKERFILE)
    assert len(installations) >= 2
    assert all("-c .ci/constraints.txt" in one for one in installations)
    assert {"cyclonedx-bom", "onnxruntime-gpu"} <= PINS.keys()


def test_the_base_has_a_python_that_is_supported_and_packed_by_bentoml_too():
    (base,) = re.findall(r"^ARG BASE=(\S+)$", DOCKERFILE, re.M)
    (made,) = re.findall(r"^BASE +\?= (\S+)$", (ROOT / "Makefile").read_text(), re.M)
    assert base == made
    (version,) = re.findall(r":([\d.]+)", base)
    assert SpecifierSet(PROJECT["requires-python"]).contains(version)
    bento = yaml.safe_load((ROOT / "bentofile.yaml").read_text())
    assert bento["docker"]["python_version"] == version


@needs_kubectl
@pytest.mark.parametrize("overlay", ["overlays/cpu", "overlays/gpu"])
def test_the_image_starts_as_the_manifests_start_it(overlay):
    built = build(overlay)
    assert instruction("CMD") == built.container["args"]
    assert instruction("ENTRYPOINT")[-1] == "bentoml"
    security = built.pod["securityContext"]
    assert instruction("USER") == [f"{security['runAsUser']}:{security['runAsGroup']}"]
    assert instruction("EXPOSE") == [str(built.container["ports"][0]["containerPort"])]
    variables = dict(part.split("=", 1) for part in instruction("ENV"))
    for name in ("BENTOML_HOME", "NUMBA_CACHE_DIR", "BENTOML_DO_NOT_TRACK"):
        assert variables[name] == built.settings[name]


def test_the_label_of_a_licence_is_that_of_the_project():
    assert f'org.opencontainers.image.licenses="{PROJECT["license"]}"' in DOCKERFILE
