import base64
import io
import re

import numpy as np
import pytest
from PIL import Image

from tests.train.annotation.annotation_page import (
    CODES,
    FILLED,
    MEASURES,
    SIDE,
    FrozenEncoder,
    images,
    island,
    page_of,
)
from train.annotation.page import LARGEST_SIDE, write_page
from train.annotation.table import (
    BINS,
    COLUMNS,
    table_rows,
)


def test_the_page_holds_the_table(tmp_path):
    content = island(page_of(tmp_path, FILLED))
    lines = [",".join(row["cells"]) for row in content["rows"]]
    expected = (tmp_path / "viewpoints.csv").read_text().splitlines()
    assert [",".join(content["columns"]), *lines] == expected
    assert content["columns"] == list(COLUMNS)
    assert content["bins"] == list(BINS)


@pytest.mark.parametrize(("side", "shown"), [(SIDE, SIDE), (256, LARGEST_SIDE)])
def test_its_images_are_those_of_the_codes(tmp_path, side, shown):
    rows = island(page_of(tmp_path, side=side))["rows"]
    for row, of_code in zip(rows, images(side), strict=True):
        for address, expected in zip(row["images"], of_code, strict=True):
            kind, _, content = address.partition(",")
            assert kind == "data:image/jpeg;base64"
            with Image.open(io.BytesIO(base64.b64decode(content, validate=True))) as image:
                assert image.size == (shown, shown)
                assert np.abs(np.asarray(image, int)[8, 8] - expected[8, 8]).max() <= 4


def test_choices_are_kept_per_codes(tmp_path):
    keys = [island(page_of(tmp_path, codes=codes))["key"] for codes in (CODES, CODES, CODES + 1)]
    assert keys[0] == keys[1] != keys[2]


@pytest.mark.parametrize(
    "name",
    ["</script><script>alert(1)</script>", "<!--<script>", "&lt;\u2028'\"\\", "__SCRIPT__"],
)
def test_a_hostile_name_stays_text(tmp_path, name):
    path = page_of(tmp_path, name=name)
    assert island(path)["name"] == name
    harmless = FrozenEncoder(page_of(tmp_path, name="a run").read_text())
    write_page(path, name, CODES, table_rows(MEASURES, None), images())
    hostile = FrozenEncoder(path.read_text())
    assert [tag for tag, _ in hostile.tags] == [tag for tag, _ in harmless.tags]
    assert hostile.scripts[1] == harmless.scripts[1]


def test_it_needs_nothing_but_itself(tmp_path):
    text = page_of(tmp_path).read_text()
    for _, attributes in FrozenEncoder(text).tags:
        assert not {"src", "href"} & set(attributes)
    assert not re.search(r"@import|url\(|fetch\(|https?://(?!www\.w3\.org/)", text)
    assert "default-src 'none'" in text
