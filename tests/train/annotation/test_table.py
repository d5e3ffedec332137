import numpy as np
import pytest

from train.annotation.table import (
    Annotation,
    AnnotationError,
    AnnotationNeeded,
    Measures,
    read_table,
    read_viewpoints,
    table_rows,
    write_table,
)
from train.running.workspace import Workspace, WorkspaceError


@pytest.fixture
def table(tmp_path):
    path = tmp_path / "viewpoints.csv"
    measures = Measures(np.array([1.5, 20.0, 3.0]), np.zeros(3), np.array([0.1, 0.2, 0.3]))
    write_table(path, table_rows(measures, Annotation(np.array([0, 330, 90]), np.ones(3, bool))))
    return path


def test_what_is_written_is_read(table):
    annotation = read_table(table, 3)
    assert annotation.bins.tolist() == [0, 330, 90]
    assert annotation.keep.all()
    assert table.read_text().splitlines()[:2] == [
        "code,azimuth_bin_degrees,keep,azimuth_std_degrees,flip_rate,object_deviation",
        "0,0,1,1.5,0,0.1",
    ]


def test_empty_bins_ask_for_a_person(tmp_path):
    write_table(tmp_path / "viewpoints.csv", table_rows(Measures(*np.zeros((3, 4))), None))
    page_first = r"viewpoints\.csv: 4 codes.*Open \S+viewpoints\.html.*By hand.*0, 30, 60"
    with pytest.raises(AnnotationNeeded, match=page_first):
        read_table(tmp_path / "viewpoints.csv", 4)


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("2,45,1", r"line 4 \(code 2\): azimuth_bin_degrees is '45'"),
        ("2,front,1", r"is 'front'; it must be one of 0, 30"),
        ("2,90,yes", r"keep is 'yes'; it must be one of 0, 1"),
        ("1,90,1", r"line 4: code 1 stands there twice"),
        ("3,90,1", r"line 4: code is '3'; it must be one of 0..2"),
        ("2.5,90,1", r"line 4: code is '2.5'"),
    ],
)
def test_values_that_cannot_be_are_named_with_their_row(table, line, message):
    lines = table.read_text().splitlines()
    table.write_text("\n".join([*lines[:3], line + ",1,0,0"]))
    with pytest.raises(AnnotationError, match=message):
        read_table(table, 3)


def test_a_spreadsheets_dialect_is_read(table):
    text = table.read_text().replace(",", ";").replace("330", "330.0")
    table.write_text(text, encoding="utf-8-sig")
    assert read_table(table, 3).bins.tolist() == [0, 330, 90]


def test_rows_deleted_by_a_person_are_not_kept(table):
    lines = table.read_text().splitlines()
    table.write_text("\n".join([lines[0], lines[1], lines[3]]))
    assert read_table(table, 3).keep.tolist() == [True, False, True]


def test_a_missing_column_is_named(table):
    table.write_text(table.read_text().replace("keep", "kept"))
    with pytest.raises(AnnotationError, match="column keep is missing"):
        read_table(table, 3)


def test_an_unfinished_stage_has_no_viewpoints(tmp_path):
    with pytest.raises(WorkspaceError, match="`viewpoints` has to run"):
        read_viewpoints(Workspace(tmp_path).stage("viewpoints"))
