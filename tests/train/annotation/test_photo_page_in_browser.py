"""The page of photographs, as a person uses it."""

import math

import numpy as np
import pytest

from graphics.camera import project
from tests.train.annotation.photo_folder import photo_page_of, write_photos
from train.annotation.table import BINS
from train.data.labelled_photos import read_labels

pytestmark = pytest.mark.browser
HOURS = "6789" + "0qw" + "12345"
"""The keys of the bins, from azimuth 0 on."""


@pytest.fixture
def folder(tmp_path):
    return write_photos(tmp_path)


def clock(tab):
    return tab.get_by_role("slider", name="Azimuth of the photograph")


def azimuth(tab) -> float:
    return float(clock(tab).get_attribute("aria-valuenow"))


def file_of(tab) -> str:
    return tab.locator("#file").inner_text().split()[-1]


def download(tab, path):
    with tab.expect_download() as event:
        tab.get_by_role("button", name="Download photos.csv").press("Enter")
    assert event.value.suggested_filename == "photos.csv"
    event.value.save_as(path)
    return path


def type_keys(tab, *keys):
    for key in keys:
        tab.keyboard.press(key)


def labels_of(folder) -> dict[str, float]:
    return {
        label.path.relative_to(folder).as_posix(): label.azimuth_degrees
        for label in read_labels(folder)
    }


def test_three_photographs_are_labelled_by_keyboard(opened, folder):
    tab = opened(photo_page_of(folder))
    assert (file_of(tab), azimuth(tab)) == ("b.jpg", 330)
    assert tab.get_by_role("button", name="Download photos.csv").is_disabled()
    type_keys(tab, "Enter")  # as predicted
    assert (file_of(tab), azimuth(tab)) == ("more/c.webp", 0)
    type_keys(tab, "7", "ArrowUp", "ArrowUp", "ArrowDown", "Shift+ArrowUp", "f", "Space")
    assert file_of(tab) == "a.png"
    type_keys(tab, "q", "Backspace", "ArrowRight")
    assert azimuth(tab) == 100  # what was not accepted is forgotten
    type_keys(tab, "9", "Enter")
    assert tab.locator("#status").inner_text() == "3 of 3 done"
    assert tab.locator("#done").is_visible()
    assert tab.evaluate("document.activeElement.id") == "download"
    table = download(tab, folder / "photos.csv")
    assert table.read_text() == "file,azimuth_degrees\na.png,90\nb.jpg,330\nmore/c.webp,216\n"
    assert labels_of(folder) == {"a.png": 90, "b.jpg": 330, "more/c.webp": 216}


def test_choices_come_back_and_a_correction_replaces_one(opened, folder):
    tab = opened(photo_page_of(folder))
    type_keys(tab, "x", "1", "Enter")
    tab.reload()
    assert tab.locator("#status").inner_text() == "2 of 3 done, 1 skipped"
    assert file_of(tab) == "a.png"
    type_keys(tab, "ArrowLeft")
    assert azimuth(tab) == 210 and tab.locator("#state").inner_text() == "labelled 210°"
    type_keys(tab, "ArrowLeft")
    assert tab.locator("#state").inner_text() == "skipped"
    type_keys(tab, "2", "Enter", "Enter", "ArrowLeft", "3", "Enter")
    download(tab, folder / "photos.csv")
    assert labels_of(folder) == {"a.png": 100, "b.jpg": 240, "more/c.webp": 270}


def test_the_table_of_the_folder_is_kept_but_for_what_is_changed(opened, folder):
    (folder / "none.txt").write_text("no picture")
    rows = ['none.txt,"a, ""b""",5', "more/c.webp,us,-140.25", "b.jpg,us,-30"]
    (folder / "photos.csv").write_text("\n".join(["file,by,azimuth_degrees", *rows, ""]))
    tab = opened(photo_page_of(folder))
    assert file_of(tab) == "a.png"  # the only one that waits
    type_keys(tab, "Enter", "ArrowLeft")
    assert azimuth(tab) == 219.75
    type_keys(tab, "ArrowLeft", "w", "Enter")
    table = download(tab, folder / "photos.csv").read_text()
    assert table.splitlines()[1:] == [*rows[:2], "b.jpg,us,180", "a.png,,100"]
    # A table that was changed by hand since then knows better than the browser.
    (folder / "photos.csv").write_text("file,azimuth_degrees\nb.jpg,7\n")
    again = opened(photo_page_of(folder))
    assert again.locator("#status").inner_text() == "2 of 3 done"  # a.png is as it was accepted
    download(again, folder / "photos.csv")
    assert labels_of(folder) == {"a.png": 100, "b.jpg": 7}


def test_the_mouse_clicks_drags_and_accepts(opened, folder):
    tab = opened(photo_page_of(folder))
    box = clock(tab).bounding_box()
    scale = box["width"] / 300
    middle = box["x"] + 150 * scale, box["y"] + 138 * scale

    def point(degrees, radius=95):
        angle = math.radians(degrees)
        return (
            middle[0] - radius * scale * math.sin(angle),
            middle[1] + radius * scale * math.cos(angle),
        )

    tab.mouse.click(*point(95))
    assert azimuth(tab) == 90
    tab.mouse.move(*point(95))
    tab.mouse.down()
    tab.mouse.move(*point(110))
    tab.mouse.move(*point(137))
    tab.mouse.up()
    assert azimuth(tab) == pytest.approx(137, abs=1)
    dragged = azimuth(tab)
    tab.get_by_role("button", name="Flip").click()
    type_keys(tab, "Space")  # accepts; it does not press that button again
    assert file_of(tab) == "more/c.webp"
    tab.mouse.dblclick(*point(210))
    tab.get_by_role("button", name="Skip").click()
    download(tab, folder / "photos.csv")
    assert labels_of(folder) == {"b.jpg": dragged + 180, "more/c.webp": 210}


def test_a_key_that_is_held_down_does_not_rush_through(opened, folder):
    tab = opened(photo_page_of(folder))
    for _ in range(3):
        tab.keyboard.down("Enter")  # without up: repeated
    assert tab.locator("#status").inner_text() == "1 of 3 done"
    for _ in range(3):
        tab.keyboard.down("ArrowUp")
    assert azimuth(tab) == 15


@pytest.mark.parametrize("category", ["vehicles", "birds"])
def test_the_clock_points_as_the_object_does_before_the_camera(opened, folder, category):
    tab = opened(photo_page_of(folder, category=category))
    distance = 3.0
    for bin, key in zip(BINS, HOURS, strict=True):
        type_keys(tab, key)
        assert azimuth(tab) == bin
        # The object's front, seen from above with the camera at the bottom: x right, y down.
        camera = np.array([[bin, 0, distance, 0, 0]], float)
        x, _, z = project(np.array([[[0.0, 0, 1]]]), camera).vertices_camera[0, 0]
        object = tab.locator("#object").evaluate("(o) => [o.getCTM().c, o.getCTM().d]")
        knob = [float(tab.locator("#knob").get_attribute(name)) for name in ("cx", "cy")]
        for direction in (object, knob):
            direction = np.array(direction) / np.linalg.norm(direction)
            assert direction == pytest.approx([x, z + distance], abs=0.02)
        words = tab.locator("#words").inner_text()
        assert ("to the left" in words) == (0 < bin < 180)
        assert ("towards you" in words) == (bin < 90 or bin > 270)


def test_a_hostile_name_is_shown_as_text_and_comes_back_as_it_is(opened, tmp_path):
    name = "<img src=x onerror=alert(1)>, \"'&.png"
    write_photos(tmp_path, {name: (9, 9, 9)})
    tab = opened(photo_page_of(tmp_path, {name: (45, 0.5)}, name=name))
    assert name in tab.locator("#file").inner_text()
    type_keys(tab, "Enter")
    download(tab, tmp_path / "photos.csv")
    assert labels_of(tmp_path) == {name: 45}


@pytest.mark.parametrize("kept", ["not JSON", "[1, 2]", "7", '["left", null]', "[360, null]"])
def test_what_it_cannot_use_of_the_past_is_left(opened, folder, kept):
    tab = opened(photo_page_of(folder))
    tab.evaluate("(kept) => localStorage.setItem(placeOf(0), kept)", kept)
    tab.reload()
    assert tab.locator("#status").inner_text() == "0 of 3 done"


def test_without_storage_it_works_and_says_so(opened, folder):
    tab = opened(photo_page_of(folder))
    assert tab.locator("#forgets").is_hidden()
    tab.add_init_script(
        "Object.defineProperty(window, 'localStorage', {get() { throw new Error('refused'); }})"
    )
    tab.reload()
    type_keys(tab, "Enter")
    assert tab.locator("#forgets").is_visible()
    assert tab.locator("#status").inner_text() == "1 of 3 done"
