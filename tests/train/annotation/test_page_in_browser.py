import numpy as np
import pytest

from graphics.camera import project
from tests.train.annotation.annotation_page import FILLED, MEASURES, K, page_of
from train.annotation.table import (
    BINS,
    AnnotationNeeded,
    Measures,
    read_table,
    table_rows,
)


def clock(tab, row: int):
    return tab.get_by_role("slider", name=f"Azimuth of code {row}", exact=True)


def click_bin(tab, row: int, bin: int) -> None:
    clock(tab, row).locator(f"[data-bin='{bin}']").click()


def shown(tab) -> list[str]:
    return [clock(tab, row).get_attribute("aria-valuetext") for row in range(K)]


def download(tab, path):
    with tab.expect_download() as event:
        tab.get_by_role("button", name="Download viewpoints.csv").click()
    assert event.value.suggested_filename == "viewpoints.csv"
    event.value.save_as(path)
    return path


@pytest.mark.browser
def test_a_person_clicks_types_reloads_and_downloads(opened, tmp_path):
    tab = opened(page_of(tmp_path))
    table = tmp_path / "viewpoints.csv"
    assert shown(tab) == ["not chosen yet"] * K
    assert "6 rows still wait" in tab.locator("#download").inner_text()
    click_bin(tab, 0, 90)
    click_bin(tab, 1, 180)
    tab.get_by_role("button", name="Drop code 2", exact=True).click()
    tab.keyboard.press("Enter")  # on that button, which now says Keep
    assert shown(tab)[2] == "not chosen yet"
    tab.keyboard.press("x")
    assert tab.locator("#status").inner_text() == "3 of 6 done, 1 dropped"
    with pytest.raises(AnnotationNeeded, match="3 codes"):
        read_table(download(tab, tmp_path / "unfinished.csv"), K)

    for key in (
        "ArrowUp",
        "x",
        "x",
        "ArrowDown",
        "ArrowDown",
        "7",
        "ArrowDown",
        "ArrowRight",
        "ArrowLeft",
        "ArrowLeft",
        "Enter",
    ):
        tab.keyboard.press(key)
    tab.keyboard.press("1")
    expected = [
        "90 degrees, left side",
        "180 degrees, back",
        "not chosen yet, dropped",
        "210 degrees, back right",
        "300 degrees, front right",
        "30 degrees, front left",
    ]
    assert shown(tab) == expected
    tab.reload()
    assert shown(tab) == expected
    assert tab.locator("#missing").inner_text() == "complete"
    assert "Bins still empty: 0°, 60°, 120°" in tab.locator("#empty").inner_text()

    annotation = read_table(download(tab, table), K)
    assert annotation.bins.tolist() == [90, 180, -1, 210, 300, 30]
    assert annotation.keep.tolist() == [True, True, False, True, True, True]
    measures = [line.split(",")[3:] for line in table.read_text().splitlines()[1:]]
    assert measures == [row[3:] for row in table_rows(MEASURES, None)]


@pytest.mark.browser
def test_every_direction_has_a_key(opened, tmp_path):
    tab = opened(page_of(tmp_path))
    for key, bin in zip("0123456789qw", BINS, strict=True):
        tab.keyboard.press(key)
        assert shown(tab)[0].startswith(f"{bin} degrees, ")


@pytest.mark.browser
def test_what_the_classifier_filled_in_is_shown_and_comes_back_unchanged(opened, tmp_path):
    tab = opened(page_of(tmp_path, FILLED))
    got = download(tab, tmp_path / "download.csv")
    assert got.read_bytes() == (tmp_path / "viewpoints.csv").read_bytes()
    assert [text.split()[0] for text in shown(tab)] == [str(bin) for bin in FILLED]
    click_bin(tab, 3, 210)
    assert read_table(download(tab, got), K).bins.tolist() == [0, 30, 90, 210, 270, 330]


@pytest.mark.browser
def test_codes_that_nothing_measured_show_no_deviation(opened, tmp_path):
    unknown = Measures(*np.full((3, K), np.nan))
    tab = opened(page_of(tmp_path, FILLED))
    assert tab.get_by_text("±").count() == K
    tab.goto(page_of(tmp_path, FILLED, measures=unknown).as_uri())
    assert shown(tab)[0] == "0 degrees, front" and tab.get_by_text("±").count() == 0
    got = download(tab, tmp_path / "download.csv")
    assert got.read_bytes() == (tmp_path / "viewpoints.csv").read_bytes()


@pytest.mark.browser
@pytest.mark.parametrize("kept", ["not JSON", "[1, 2]", '[[45,true],[],0,"x",null,[30,true]]'])
def test_what_it_cannot_use_of_the_past_is_left(opened, tmp_path, kept):
    path = page_of(tmp_path, FILLED)
    tab = opened(path)
    tab.evaluate("(kept) => localStorage.setItem(STORE, kept)", kept)
    tab.reload()
    assert [text.split()[0] for text in shown(tab)] == [str(bin) for bin in FILLED]


@pytest.mark.browser
def test_without_storage_it_works_and_says_so(opened, tmp_path):
    path = page_of(tmp_path)
    tab = opened(path)
    assert tab.locator("#forgets").is_hidden()
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})"
    )
    tab.reload()
    click_bin(tab, 0, 60)
    assert shown(tab)[0] == "60 degrees, front left"
    assert tab.locator("#forgets").is_visible()


def middle(part) -> np.ndarray:
    box = part.bounding_box()
    return np.array([box["x"] + box["width"] / 2, box["y"] + box["height"] / 2])


@pytest.mark.browser
def test_the_clock_points_as_the_object_does_before_the_camera(opened, tmp_path):
    tab = opened(page_of(tmp_path))
    face = clock(tab, 0)
    distance = 3.0
    for bin in BINS:
        click_bin(tab, 0, bin)
        assert face.get_attribute("aria-valuenow") == str(bin)
        # The object's front, seen from above with the camera at the bottom: x right, y down.
        camera = np.array([[bin, 0, distance, 0, 0]], float)
        x, _, z = project(np.array([[[0.0, 0, 1]]]), camera).vertices_camera[0, 0]
        shape = face.locator(".object").evaluate("(o) => [o.getCTM().c, o.getCTM().d]")
        wedge = middle(face.locator(f"[data-bin='{bin}']")) - middle(face)
        for direction in (shape, wedge):
            assert direction / np.linalg.norm(direction) == pytest.approx(
                [x, z + distance], abs=0.1
            )


@pytest.mark.browser
def test_words_stand_behind_their_bins(opened, tmp_path):
    face = clock(opened(page_of(tmp_path)), 0)
    for bin, word in ((0, "front"), (90, "left side"), (180, "back"), (270, "right side")):
        apart = middle(face.locator("text", has_text=word)) - middle(face)
        wedge = middle(face.locator(f"[data-bin='{bin}']")) - middle(face)
        assert apart @ wedge > 0.98 * np.linalg.norm(apart) * np.linalg.norm(wedge)
        assert 1.2 < np.linalg.norm(apart) / np.linalg.norm(wedge) < 2.5


@pytest.mark.browser
def test_a_hostile_name_is_shown_as_text(opened, tmp_path):
    name = "</script><img src=x onerror=alert(1)>"
    tab = opened(page_of(tmp_path, name=name))
    assert name in tab.locator("#name").inner_text()
