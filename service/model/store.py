"""Bundles in BentoML's model store: `bentomodel:<tag>` names one instead of a folder."""

from __future__ import annotations

import shutil
from pathlib import Path

import bentoml
from bentoml.exceptions import BentoMLException

from service.model.bundle import MANIFEST_FILE, BundleError, load

STORE_PREFIX = "bentomodel:"


def resolve(location: str | Path) -> Path:
    """The folder of a location: itself, or the model store's for `bentomodel:<tag>`."""
    text = str(location)
    if not text.startswith(STORE_PREFIX):
        return Path(location).absolute()
    tag = text.removeprefix(STORE_PREFIX)
    try:
        return Path(bentoml.models.get(tag).path)
    except (BentoMLException, ValueError) as error:
        raise BundleError(
            f"{tag} is not in BentoML's model store ({error}); bentoml models list shows what is"
        ) from error


def register(folder: str | Path, name: str | None = None) -> str:
    """Copy a verified bundle into BentoML's model store; returns its `bentomodel:<tag>`."""
    bundle = load(folder)
    manifest = bundle.manifest
    with bentoml.models.create(
        name or f"inverse-graphics-{manifest.category}",
        labels={"category": manifest.category},
        metadata={"resolution": manifest.resolution, "format_version": manifest.format_version},
    ) as model:
        for file in (MANIFEST_FILE, *manifest.files):
            target = Path(model.path) / file
            target.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(bundle.folder / file, target)
    return f"{STORE_PREFIX}{model.tag}"
