import numpy as np

from train.pictures.histogram import COLOURS, LEFT, RIGHT, azimuth_histogram

OBJECTS = 40


def test_the_histogram_draws_where_the_errors_are() -> None:
    picture = azimuth_histogram({"network": np.full(OBJECTS, 5.0), "baseline": np.full(8, -100.0)})
    assert picture.size == (720, 300)
    pixels = np.asarray(picture).astype(int)
    blue = np.argwhere(np.abs(pixels[60:240] - (31, 94, 168)).sum(-1) == 0)[:, 1]
    orange = np.argwhere(np.abs(pixels[60:240] - (214, 102, 32)).sum(-1) == 0)[:, 1]
    assert orange.max() < blue.min()


def test_the_histogram_names_every_row_of_a_report_in_its_own_colour() -> None:
    rows = ["bundle", "refined", "oracle", "mean_prediction", "nearest_training", "single_view"]
    picture = azimuth_histogram({name: np.full(OBJECTS, 5.0) for name in rows})
    names = np.asarray(picture)[:38].astype(int)
    for number in range(len(rows)):
        left = LEFT + number * (RIGHT - LEFT) // len(rows)
        slot = names[:, left : left + 100]
        strongest = min(slot.reshape(-1, 3), key=np.sum)
        distances = np.abs(np.array(COLOURS) - strongest).sum(axis=1)
        assert strongest.sum() < 700 and distances.argmin() == number
