import pytest

from tests.train.annotation.photo_folder import write_photos
from train.annotation.photo_answers import NOTHING, Answer, read_answers
from train.data.picture_files import PhotographsError


@pytest.fixture
def folder(tmp_path):
    return write_photos(tmp_path)


def test_a_folder_without_a_table_has_no_answers(folder):
    assert read_answers(folder) == NOTHING


def test_all_columns_are_kept_and_azimuths_lie_in_the_circle(folder):
    text = 'author,file,azimuth_degrees\n"us, them",./a.png,-140.5\n,more/c.webp,360\n'
    (folder / "photos.csv").write_text("\ufeff" + text, encoding="utf-8")
    answers = read_answers(folder)
    assert answers.columns == ["author", "file", "azimuth_degrees"]
    assert answers.rows == [["us, them", "./a.png", "-140.5"], ["", "more/c.webp", "360"]]
    assert answers.by_name == {"a.png": Answer(0, 219.5), "more/c.webp": Answer(1, 0)}


def test_a_row_that_is_short_has_empty_cells(folder):
    (folder / "photos.csv").write_text("file,azimuth_degrees,author\na.png,3\n")
    assert read_answers(folder).rows == [["a.png", "3", ""]]


@pytest.mark.parametrize(
    ("table", "said"),
    [
        ("file,azimuth_degrees\na.png,3\n./a.png,4\n", "row 2: a.png stands there twice"),
        ("file,azimuth_degrees\na.png,3,4\n", "row 1 has more cells than the head"),
        ("file,azimuth_degrees\na.png,\n", "row 1: could not convert"),
        ("file\na.png\n", "needs a head with file and azimuth_degrees"),
    ],
)
def test_a_table_that_cannot_be_used_is_refused(folder, table, said):
    (folder / "photos.csv").write_text(table)
    with pytest.raises(PhotographsError, match=said):
        read_answers(folder)
