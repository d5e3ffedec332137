import pytest
import torch

from tests.train.stages.generated_run import config
from train.config import ViewpointsConfig
from train.models.attributes import AttributeClassifier, load_attributes
from train.pose import attribute_classifier as classifier
from train.running.workspace import Workspace, WorkspaceError


def of_steps(steps: int):
    return config(viewpoints=ViewpointsConfig(classifier_steps=steps))


def test_the_attribute_classifier_learns_to_read_vehicles(tmp_path):
    workspace, settings = Workspace(tmp_path), of_steps(30)
    network = classifier.train_attribute_classifier(
        settings, workspace, workspace.stage("viewpoints")
    )
    with torch.no_grad():
        unseen = 1000
        trained = classifier._loss(network, settings, unseen)
        untrained = classifier._loss(AttributeClassifier(network.size).eval(), settings, unseen)
    assert trained < 0.8 * untrained
    errors = classifier.classifier_errors(network)
    assert 0 <= errors["azimuth_median_degrees"] <= 180
    assert 0 <= errors["azimuth_beyond_90"] <= 1 and 0 <= errors["kind_correct"] <= 1
    assert -1 <= errors["roof_height_correlation"] <= 1


def test_a_resumed_training_gives_the_weights_of_an_uninterrupted_one(tmp_path, monkeypatch):
    whole, killed = (Workspace(tmp_path / name) for name in ("whole", "killed"))
    classifier.train_attribute_classifier(of_steps(4), whole, whole.stage("viewpoints"))
    monkeypatch.setattr("train.running.workspace.CHECKPOINT_SECONDS", -1.0)
    real, steps = classifier.augment, []

    def until_killed(*arguments, **named):
        steps.append(1)
        if len(steps) == 3:
            raise KeyboardInterrupt
        return real(*arguments, **named)

    monkeypatch.setattr(classifier, "augment", until_killed)
    with pytest.raises(KeyboardInterrupt):
        classifier.train_attribute_classifier(of_steps(4), killed, killed.stage("viewpoints"))
    classifier.train_attribute_classifier(of_steps(4), killed, killed.stage("viewpoints"))
    assert len(steps) == 5
    expected, got = (
        load_attributes(run.stage("viewpoints").file("attributes.safetensors")).state_dict()
        for run in (whole, killed)
    )
    assert all(torch.equal(expected[name], got[name]) for name in expected)


def test_the_shipped_attribute_classifier_reads_held_out_vehicles(tmp_path):
    path = tmp_path / "attributes.safetensors"
    classifier.take_shipped_classifier(64, path)
    errors = classifier.classifier_errors(load_attributes(path))
    assert errors["azimuth_median_degrees"] < 3
    assert errors["azimuth_beyond_90"] < 0.02
    assert errors["kind_correct"] > 0.9
    assert errors["roof_height_correlation"] > 0.9


def test_the_shipped_attribute_classifier_of_another_size_is_refused(tmp_path):
    with pytest.raises(WorkspaceError, match=r"64 px, the photographs have 32.*classifier train"):
        classifier.take_shipped_classifier(32, tmp_path / "attributes.safetensors")
