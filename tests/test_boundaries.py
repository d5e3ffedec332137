"""The arrows of the house: who may import whom, looked at from outside and in the source."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FORBIDDEN = {
    "graphics": {"torch", "bentoml", "onnxruntime", "train", "service"},
    "service": {"torch", "train"},
}
STAGE_PACKAGE = "train.stages"
SERVICE_ARROWS = {
    "call": set(),
    "cgroup": set(),
    "errors": set(),
    "logs": set(),
    "process": set(),
    "settings": {"cgroup"},
    "threads": set(),
    "tracing": set(),
    "siblings": set(),
    "store": {"errors", "settings"},
    "segmenters": {"settings"},
    "metrics": {"call", "tracing"},
    "imaging": {"errors"},
    "schemas": {"imaging"},
    "model": {"call", "errors", "metrics", "settings", "threads"},
    "pipeline": {
        "call", "errors", "imaging", "metrics", "model", "schemas", "settings", "siblings", "store",
        "threads", "tracing",
    },
    "workers": {"cgroup", "metrics", "model", "pipeline", "settings", "siblings"},
    "jobs": {"call", "errors", "pipeline", "schemas", "store", "threads"},
    "batch": {"cgroup", "errors", "jobs", "model", "pipeline", "schemas", "settings", "store"},
    "http": {
        "call", "errors", "imaging", "jobs", "logs", "metrics", "pipeline", "schemas", "settings",
        "siblings", "store", "threads", "tracing",
    },
    "api": {
        "errors", "http", "imaging", "jobs", "logs", "metrics", "model", "pipeline", "schemas",
        "settings", "siblings", "store", "workers",
    },
    "demo": {"imaging", "model", "process", "settings"},
    # A client: it knows the API by HTTP alone, and starts a service as a process.
    "ui": {"process"},
}  # fmt: skip
"""What each folder, or file at the root, of the service may import: only what stands above it."""
MOST_ROOT_FILES = 14


def imported_modules(path: Path) -> set[str]:
    """Dotted names of everything a file imports, at any depth."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.add(node.module)
            names.update(f"{node.module}.{alias.name}" for alias in node.names)
    return names


@pytest.mark.parametrize("package", sorted(FORBIDDEN))
def test_no_file_imports_what_its_package_must_not(package):
    for path in (ROOT / package).rglob("*.py"):
        roots = {name.split(".")[0] for name in imported_modules(path)}
        assert not roots & FORBIDDEN[package], path


def test_what_writes_bundles_knows_the_service_and_measuring_starts_one():
    allowed = {"service", "service.model", "service.model.bundle", "service.model.manifest"}
    for path in (ROOT / "train").rglob("*.py"):
        from_service = {n for n in imported_modules(path) if n.split(".")[0] == "service"}
        modules = {n for n in from_service if (ROOT / f"{n.replace('.', '/')}.py").is_file()}
        packages = {n for n in from_service if (ROOT / n.replace(".", "/")).is_dir()}
        if path.relative_to(ROOT).as_posix() == "train/stages/export.py":
            assert modules | packages <= allowed, path
        elif path.relative_to(ROOT).as_posix() == "train/evaluation/measuring.py":
            assert modules | packages <= {"service", "service.process"}, path
        elif path.relative_to(ROOT).as_posix() == "train/adaptation/adapted_bundle.py":
            assert modules | packages <= allowed | {"service.model.segmenter_choice"}, path
        else:
            assert not from_service, path


def test_stages_never_import_each_other():
    stages = {path.stem for path in (ROOT / "train" / "stages").glob("*.py")} - {"__init__"}
    for path in (ROOT / "train" / "stages").glob("*.py"):
        others = {f"{STAGE_PACKAGE}.{stage}" for stage in stages - {path.stem}}
        assert not imported_modules(path) & others, path


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("service.api", ("torch", "train", "onnx")),
        # The export of a training imports it: nobody waits for BentoML there.
        ("service.model.bundle", ("torch", "train", "onnx", "bentoml", "starlette")),
        ("graphics.render", ("torch", "train", "onnx")),
    ],
)
def test_importing_brings_no_torch_and_nothing_of_training(module, unwanted):
    script = (
        f"import sys, {module}\nprint([m for m in sys.modules if m.split('.')[0] in {unwanted}])"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().splitlines()[-1] == "[]"


def test_only_the_api_and_the_http_room_know_http():
    service = ROOT / "service"
    for path in service.rglob("*.py"):
        if path != service / "api.py" and path.parent != service / "http":
            assert not {n for n in imported_modules(path) if n.split(".")[0] == "starlette"}, path


def room(path):
    """The folder, or the file at the root, of the service."""
    return path.relative_to(ROOT / "service").parts[0].removesuffix(".py")


def test_the_arrows_between_the_service_s_folders_are_those_written_down():
    for path in (ROOT / "service").rglob("*.py"):
        names = [name.split(".") for name in imported_modules(path)]
        imported = {name[1] for name in names if name[0] == "service" and len(name) > 1}
        allowed = SERVICE_ARROWS.get(room(path), set())
        assert imported <= {room(path)} | allowed, path


def test_no_arrow_between_the_service_s_folders_leads_back():
    rooms = list(SERVICE_ARROWS)
    for number, name in enumerate(rooms):
        assert SERVICE_ARROWS[name] <= set(rooms[:number]), name


def test_the_service_s_root_holds_few_files():
    assert len(list((ROOT / "service").glob("*.py"))) <= MOST_ROOT_FILES


TRAIN_ARROWS = {
    "config": set(),
    "metrics": set(),
    "renderer": set(),
    "running": {"config"},
    "models": {"config", "running"},
    "checkpoints": {"config", "models"},
    "losses": {"config", "models", "renderer"},
    "pictures": {"losses", "models", "renderer", "running"},
    "data": {"config", "metrics", "models", "running"},
    "steps": {"config", "data", "losses", "models", "renderer", "running"},
    "pose": {"config", "data", "models", "running", "steps"},
    "evaluation": {
        "config", "data", "losses", "metrics", "models", "pictures", "pose", "renderer", "running",
        "steps",
    },
    "annotation": {"config", "data", "evaluation", "metrics", "models", "pose", "running"},
    "stages": {
        "annotation", "checkpoints", "config", "data", "evaluation", "metrics", "models",
        "pictures", "pose", "running", "steps",
    },
    "adaptation": {
        "config", "data", "evaluation", "metrics", "models", "renderer", "running", "stages",
        "steps",
    },
    "preparing": {
        "config", "data", "evaluation", "models", "pose", "running", "stages", "steps",
    },
}  # fmt: skip
"""What each folder of the training may import: only what stands above it. Commands may all."""


def test_the_arrows_between_the_training_s_folders_are_those_written_down():
    train = ROOT / "train"
    folders = {path.name for path in train.iterdir() if (path / "__init__.py").exists()}
    assert set(TRAIN_ARROWS) == folders
    order = list(TRAIN_ARROWS)
    for folder, allowed in TRAIN_ARROWS.items():
        assert all(order.index(other) < order.index(folder) for other in allowed), folder
        for path in (train / folder).rglob("*.py"):
            names = [name.split(".") for name in imported_modules(path)]
            imported = {name[1] for name in names if name[0] == "train" and len(name) > 1}
            assert imported - {folder} <= allowed, path
