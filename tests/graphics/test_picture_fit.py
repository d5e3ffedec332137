import numpy as np
import pytest

from graphics.picture_fit import SHIFTS, STEPS, fitting, proceed

SIDE = 16


class Generator:
    """Smooth pictures, not linear in the shifts; counts what it draws."""

    def __init__(self) -> None:
        rng = np.random.default_rng(0)
        coarse = rng.normal(0, 0.3, (SHIFTS, SIDE // 4, SIDE // 4, 3))
        self.slopes = coarse.repeat(4, axis=1).repeat(4, axis=2)
        self.drawn = 0

    def __call__(self, shifts: np.ndarray) -> np.ndarray:
        self.drawn += len(shifts)
        rows = np.tensordot(shifts, self.slopes, axes=1)
        return (0.5 + 0.5 * np.tanh(rows)).astype(np.float32)


def found_by(generator: Generator, photograph: np.ndarray) -> np.ndarray:
    fit, done = fitting(photograph), False
    shifts = next(fit)
    while not done:
        shifts, done = proceed(fit, generator(shifts))
    return shifts


def test_a_picture_that_the_generator_can_draw_is_found():
    generator = Generator()
    wanted = generator(np.random.default_rng(1).normal(0, 0.4, (1, SHIFTS)))[0]
    shifts = found_by(generator, np.rint(wanted * 255).astype(np.uint8))
    assert shifts.shape == (SHIFTS,) and shifts.dtype == np.float32
    before = np.abs(generator(np.zeros((1, SHIFTS)))[0] - wanted).mean()
    assert np.abs(generator(shifts[None])[0] - wanted).mean() < 0.1 * before
    assert generator.drawn <= 1 + STEPS * (SHIFTS + 3) + 3


def test_what_is_drawn_already_is_not_changed():
    grey = np.full((SIDE, SIDE, 3), 128, np.uint8)
    assert np.abs(found_by(Generator(), grey)).max() < 0.01


def test_what_no_shift_draws_asks_for_no_wild_ones():
    noise = np.random.default_rng(2).integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)
    assert np.abs(found_by(Generator(), noise)).max() < 3


@pytest.mark.parametrize("side", [64, 128, 200])
def test_pictures_of_any_side_are_compared(side):
    fit = fitting(np.full((side, side, 3), 255, np.uint8))
    shifts, done = proceed(fit, np.zeros((len(next(fit)), side, side, 3), np.float32))
    assert not done and shifts.shape == (SHIFTS, SHIFTS)
