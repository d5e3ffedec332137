"""Stage viewpoints: view codes of the unconditional GAN that hold one viewpoint (paper 3.1).

Thousands of codes are scored under many content codes by two measures: how stable the viewpoint is
across contents, and how stable the object is across views. Those that cover the azimuth circle
best are kept and annotated, by the attribute classifier or by a person. A person then gets more
codes, with suggestions learned from the first (`train/annotation/suggestions.py`). The attribute
classifier knows vehicles; for any other category the first codes are annotated unmeasured.

Writes `viewpoints.npz` (codes [K, D], azimuth_bins [K], stds, flip_rates, deviations: NaN where
nothing was measured), `viewpoints.csv`, `viewpoints.html` (the page on which a person fills that
table in), `contact_sheet.png`, `viewpoint_metrics.json` and, for vehicles,
`attributes.safetensors` (the attribute classifier, used in every round).
"""

import json
from dataclasses import asdict

import numpy as np
import torch

from train.annotation.page import write_page
from train.annotation.suggestions import Suggested, suggest
from train.annotation.table import (
    BINS,
    PAGE,
    UNKNOWN,
    Annotation,
    Measures,
    read_table,
    table_reaches,
    table_rows,
    write_table,
)
from train.annotation.viewpoint_choice import FEWEST, first_codes, measured_choice, score_codes
from train.config import PROCEDURAL, Config
from train.evaluation.gates import annotation_gate
from train.models.attributes import AttributeClassifier, load_attributes
from train.models.generated import as_pixels, generate_grid, sample_contents
from train.models.generator import Generator
from train.models.weights import load_generator
from train.pictures.grid import write_labelled_rows
from train.pose import attribute_classifier
from train.running.device import default_device
from train.running.gate import as_facts
from train.running.progress import Progress
from train.running.workspace import StageFolder, Workspace, WorkspaceError, write_json

THIN = 0.1
"""Fraction of the mean count below which the user is warned of a bin. Measured: with 2 of 877 codes
in the bin of the front, half the photographs from there were labelled as from the back."""
SHEET_CONTENTS = 8
SHEET_CODES = 288
"""Most rows of the contact sheet, and of the page, where no person has to annotate them."""


def run(config: Config, workspace: Workspace, round: int = 0) -> None:
    """Score, choose and annotate viewpoint codes; goes on where a killed run stopped.

    Raises:
        AnnotationNeeded: viewpoints.csv waits for a person; run again when it is filled in.
    """
    folder, settings = workspace.stage("viewpoints"), config.viewpoints
    folder.start({**asdict(settings), "size": config.photographs.size, "seed": config.seed})
    classifier = _attribute_classifier(config, workspace, folder) if config.shows_vehicles else None
    table = folder.file("viewpoints.csv")
    path = workspace.stage("gan", 0).require("generator.safetensors")
    generator = load_generator(path).eval().to(default_device())
    if not table.exists():
        _choose_and_tabulate(config, workspace, generator, classifier)
    with np.load(folder.file("chosen.npz")) as arrays:
        chosen = dict(arrays)
    if settings.suggested_per_bin and _annotator(config) == "person":
        chosen = _with_suggestions(config, workspace, generator, chosen)
    annotation = read_table(table, len(chosen["codes"]))
    keep = annotation.keep
    if keep.sum() < FEWEST:
        raise WorkspaceError(f"{table} keeps {keep.sum()} codes; at least {FEWEST} are needed")
    kept = {name: value[keep] for name, value in chosen.items()}
    folder.save_arrays("viewpoints.npz", {**kept, "azimuth_bins": annotation.bins[keep]})
    metrics = json.loads(folder.file("viewpoint_metrics.json").read_text())
    per_bin = {str(bin): int((annotation.bins[keep] == bin).sum()) for bin in BINS}
    if thin := thin_bins(per_bin):
        Progress(workspace, "viewpoints", 1).say(
            f"few codes face {', '.join(thin)} degrees ({per_bin}): photographs from there will be "
            "confused with opposite ones; train the plain GAN for longer (--gan.kimg)"
        )
    gates = as_facts([annotation_gate(per_bin)])
    folder.finish(
        **metrics,
        gates=gates,
        kept=int(keep.sum()),
        kept_per_bin=per_bin,
        annotator=_annotator(config),
    )


def thin_bins(per_bin: dict[str, int]) -> list[str]:
    """Bins that hold less than THIN of the mean count."""
    least = THIN * sum(per_bin.values()) / len(per_bin)
    return [name for name, count in per_bin.items() if count < least]


def _attribute_classifier(
    config: Config, workspace: Workspace, folder: StageFolder
) -> AttributeClassifier:
    """The attribute classifier, trained first where it is not there yet."""
    weights = folder.file("attributes.safetensors")
    if not weights.exists() and config.viewpoints.classifier == "shipped":
        attribute_classifier.take_shipped_classifier(config.photographs.size, weights)
    elif not weights.exists():
        attribute_classifier.train_attribute_classifier(config, workspace, folder)
    return load_attributes(weights).to(default_device())


def _annotator(config: Config) -> str:
    """Who fills in the table: "classifier", "person", or nobody: "in_turn"."""
    if config.viewpoints.annotator != "auto":
        return config.viewpoints.annotator
    return "classifier" if config.photographs.source == PROCEDURAL else "person"


def _choose_and_tabulate(
    config: Config,
    workspace: Workspace,
    generator: Generator,
    classifier: AttributeClassifier | None,
) -> None:
    """Write everything up to viewpoints.csv, which comes last: where it is, all this is done."""
    folder, settings = workspace.stage("viewpoints"), config.viewpoints
    codes, contents = _candidates(config, generator)
    if classifier is None:
        choice = first_codes(settings)
    else:
        readings = score_codes(workspace, folder, (generator, classifier), (codes, contents))
        choice = measured_choice(readings, settings, Progress(workspace, "viewpoints", 1))
        choice.metrics["classifier_held_out"] = attribute_classifier.classifier_errors(classifier)
    chosen = choice.indices
    write_json(folder.file("viewpoint_metrics.json"), choice.metrics)
    arrays = {"codes": codes[chosen].cpu().numpy(), **choice.measures._asdict()}
    folder.save_arrays("chosen.npz", arrays)
    by_classifier, every = _annotator(config) == "classifier", np.ones(len(chosen), bool)
    given = Annotation(choice.bins, every) if by_classifier and choice.bins is not None else None
    if _annotator(config) == "in_turn":
        given = Annotation(np.resize(np.array(BINS), len(chosen)), every)
    rows = table_rows(choice.measures, given)
    # A person has to see every code; of those that the classifier annotates some are enough.
    shown = _spread(len(chosen), SHEET_CODES if by_classifier else len(chosen))
    images = _sheet_images(generator, codes[chosen[shown]], contents)
    labelled = dict(zip(map(str, shown), images, strict=True))
    write_labelled_rows(folder.file("contact_sheet.png"), labelled, blocks=2)
    if len(shown) == len(chosen):
        write_page(folder.file(PAGE), workspace.path.resolve().name, arrays["codes"], rows, images)
    write_table(folder.file("viewpoints.csv"), rows)


def _with_suggestions(
    config: Config, workspace: Workspace, generator: Generator, chosen: dict[str, np.ndarray]
) -> dict[str, np.ndarray]:
    """`chosen` and, once those are annotated, the suggested codes behind them."""
    table, first = workspace.stage("viewpoints").file("viewpoints.csv"), len(chosen["codes"])
    suggested = _suggested(config, workspace, generator, chosen["codes"])
    unknown = np.full(len(suggested.codes), np.nan, np.float32)
    added = {**suggested._asdict(), "deviations": unknown}
    both = {name: np.concatenate([values, added[name]]) for name, values in chosen.items()}
    if len(unknown) and not table_reaches(table, first):
        annotation = read_table(table, first)
        keep = np.concatenate([annotation.keep, np.ones(len(unknown), bool)])
        nothing = np.full(len(unknown), UNKNOWN)
        filled, waiting = (
            Annotation(np.concatenate([annotation.bins, bins]), keep)
            for bins in (suggested.bins, nothing)
        )
        measures = Measures(both["stds"], both["flip_rates"], both["deviations"])
        _, contents = _candidates(config, generator)
        images = _sheet_images(generator, torch.from_numpy(both["codes"]), contents)
        name = workspace.path.resolve().name
        # The page has the suggestions filled in; the table waits for the person to confirm them.
        page = table.with_name(PAGE)
        write_page(page, name, both["codes"], table_rows(measures, filled), images)
        write_table(table, table_rows(measures, waiting))
    return both


def _suggested(
    config: Config,
    workspace: Workspace,
    generator: Generator,
    annotated: np.ndarray,  # f32 [S, code]: the codes that were annotated first
) -> Suggested:
    """Suggestions, made once the first codes are annotated and kept: the table refers to them."""
    folder = workspace.stage("viewpoints")
    path = folder.file("suggested.npz")
    if not path.exists():
        bins, keep = read_table(folder.file("viewpoints.csv"), len(annotated))
        codes, contents = _candidates(config, generator)
        first = torch.from_numpy(annotated).to(codes)
        known = (codes[:, None] == first).all(dim=-1).any(dim=1)
        kept = first[torch.from_numpy(keep)], bins[keep]
        found = suggest(config, workspace, generator, kept, (codes[~known], contents))
        folder.save_arrays("suggested.npz", found._asdict())
    with np.load(path) as arrays:
        return Suggested(**arrays)


def _candidates(config: Config, generator: Generator) -> tuple[torch.Tensor, torch.Tensor]:
    """View codes [candidates, code] and the contents [contents, code] they are seen under."""
    rng = torch.Generator().manual_seed(config.seed)
    codes = sample_contents(generator, config.viewpoints.candidates, 1.0, rng)
    return codes, sample_contents(generator, config.viewpoints.contents, 1.0, rng)


def _spread(count: int, most: int) -> np.ndarray:  # int64, at most `most` of 0..count-1
    return np.unique(np.linspace(0, count - 1, min(count, most)).round().astype(np.int64))


def _sheet_images(generator: Generator, codes: torch.Tensor, contents: torch.Tensor) -> np.ndarray:
    """One row of images per code, a column per content: uint8 [K, C, R, R, 3]."""
    contents = contents[:SHEET_CONTENTS]
    pixels = as_pixels(generate_grid(generator, contents, codes)).numpy()
    return pixels.reshape(len(codes), len(contents), *pixels.shape[1:])
