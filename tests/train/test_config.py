import pytest

from train.config import Config, ConfigError, override


def test_an_assignment_changes_one_setting_and_nothing_else():
    changed = override(Config(), "inverse.batch_size=3")
    assert changed.inverse.batch_size == 3
    assert override(changed, f"inverse.batch_size={Config().inverse.batch_size}") == Config()


def test_settings_of_the_whole_run_have_no_section():
    assert override(Config(), "seed=7").seed == 7


@pytest.mark.parametrize(
    ("assignment", "words"),
    [
        ("inverse.batchsize=3", "unknown setting; known here: steps, first_steps, batch_size"),
        ("invers.batch_size=3", "unknown setting; known here: preset"),
        ("inverse=3", "unknown setting"),
        ("inverse.batch_size=many", "not a int"),
        ("inverse.batch_size", "write it as section.field=value"),
        ("inverse.views=3", "1 or 2"),
        ("inverse.steps=0", "inverse.steps=0: at least 1"),
        ("inverse.perceptual_after=-1", "0 or more"),
        ("inverse.learning_rate=0", "above 0"),
        ("inverse.template_level=9", "1 to 5"),
        ("inverse.texture_size=48", "a power of two"),
        ("viewpoints.annotator=nobody", "one of auto, classifier, person"),
        ("evaluate.single_view_baseline=1", "true or false"),
        ("rounds=0", "at least 1"),
    ],
)
def test_a_wrong_assignment_says_what_is_allowed(assignment, words):
    with pytest.raises(ConfigError, match=words):
        override(Config(), assignment)
