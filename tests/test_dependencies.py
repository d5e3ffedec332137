"""What is imported is declared, and what is declared for the image is what pyproject.toml says."""

import ast
import re
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
EXTRAS = PROJECT["optional-dependencies"]
CORE = PROJECT["dependencies"]
RUNTIME = EXTRAS["cpu"]
OURS = {"graphics", "service", "train", "tests"}
NEVER_DECLARED = {"kaolin", "litserve", "pytorch3d"}
"""Asked for where a user has installed them: a wheel of NVIDIA's, and contestants of benchmarks."""
OWN_NAMES = {
    "PIL": "pillow", "_bentoml_impl": "bentoml", "_bentoml_sdk": "bentoml", "attr": "attrs",
    "bentoml_cli": "bentoml", "pynvml": "nvidia-ml-py", "xdist": "pytest-xdist", "yaml": "pyyaml",
}  # fmt: skip
"""Modules -> distributions that are called otherwise."""


def name_of(requirement: str) -> str:
    """`Lightning_Fabric[x]>=2` -> `lightning-fabric`."""
    (name,) = re.findall(r"^[\w.-]+", requirement)
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(*folders: str) -> dict[str, Path]:
    """Top-level modules that files below the folders import from elsewhere -> one such file."""
    found: dict[str, Path] = {}
    for path in (path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else []
            if isinstance(node, ast.ImportFrom) and node.module and not node.level:
                names = [f"{node.module}.{alias.name}" for alias in node.names]
            found |= {distribution_of(name): path for name in names}
    return {name: path for name, path in found.items() if name not in OURS}


def distribution_of(name: str) -> str:
    """The distribution that an imported name comes from."""
    root = name.split(".")[0]
    if root in sys.stdlib_module_names or root in NEVER_DECLARED or root in OURS:
        return "train"
    if root == "opentelemetry":
        parts = name.split(".")
        return {
            "sdk": "opentelemetry-sdk",
            "exporter": "opentelemetry-exporter-otlp-proto-http",
        }.get(parts[1] if len(parts) > 1 else "", "opentelemetry-api")
    return name_of(OWN_NAMES.get(root, root))


@pytest.mark.parametrize(
    ("folders", "declared"),
    [
        (
            ["graphics", "service"],
            [
                *CORE,
                *RUNTIME,
                *EXTRAS["batch"],
                *EXTRAS["video"],
                *EXTRAS["tracing"],
                *EXTRAS["shared"],
                *EXTRAS["ui"],
            ],
        ),
        (["train"], [*CORE, *RUNTIME, *EXTRAS["train"], "triton"]),
        (
            ["tests"],
            [
                *CORE,
                *RUNTIME,
                *EXTRAS["train"],
                *EXTRAS["dev"],
                *EXTRAS["batch"],
                *EXTRAS["video"],
                *EXTRAS["shared"],
                *EXTRAS["tensorboard"],
            ],
        ),
    ],
    ids=["served", "train", "tests"],
)
def test_what_is_imported_is_declared(folders, declared):
    known = {name_of(requirement) for requirement in declared}
    assert {n: str(p) for n, p in imported(*folders).items() if n not in known} == {}


LOADED_BY_OTHERS = {
    "httptools", "uvloop",  # uvicorn's
    "onnxscript",  # torch.onnx's
    "pycollada",  # trimesh's
}  # fmt: skip


def test_what_is_declared_is_imported():
    served = imported("graphics", "service")
    assert {name_of(requirement) for requirement in CORE} - served.keys() <= LOADED_BY_OTHERS
    trained = {name_of(requirement) for requirement in EXTRAS["train"]}
    assert trained - imported("train").keys() <= LOADED_BY_OTHERS
    assert not trained & {name_of(requirement) for requirement in CORE}


def test_the_image_has_the_core_dependencies_and_the_runtime_of_gpus():
    packages = yaml.safe_load((ROOT / "bentofile.yaml").read_text())["python"]["packages"]
    (runtime,) = (one for one in packages if name_of(one) == "onnxruntime-gpu")
    core = {requirement.split(";")[0] for requirement in CORE}
    assert set(packages) - {runtime} == core
    assert runtime.partition(">=")[2] == EXTRAS["gpu"][0].partition(">=")[2]


def test_every_dependency_is_pinned_for_the_tests():
    lines = (ROOT / ".ci" / "constraints.txt").read_text().split()
    pins = {name_of(line) for line in lines}
    declared = {
        name_of(requirement)
        for requirement in (
            *CORE,
            *EXTRAS["batch"],
            *EXTRAS["shared"],
            *EXTRAS["train"],
            *EXTRAS["dev"],
            *EXTRAS["ui"],
        )
    }
    # PyTorch's CUDA builds bring a triton of their own.
    assert declared - pins <= {"triton"}
    assert all("==" in line for line in lines)
