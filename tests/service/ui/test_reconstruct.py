"""Tab Reconstruct in a real browser, before a real service."""

import base64
import io
import json
import re
import zipfile
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from tests.service.ui.conftest import DROP, SAMPLES

pytestmark = [pytest.mark.browser, pytest.mark.server]
CANVAS = "document.querySelector('.viewer canvas').toDataURL()"


def base64_of(content):
    return base64.b64encode(content).decode("ascii")


def drop(tab, files, target=".drop"):
    tab.evaluate(DROP, [[(name, base64_of(content)) for name, content in files], target])


def show(tab, name):
    """Wait until this photograph's mesh is drawn."""
    tab.wait_for_selector(f".details h2:text-is('{name}')")
    tab.wait_for_selector(".viewer[data-shown]")


def picture_of(address):
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))


def two_vehicles():
    """One picture of two samples side by side."""
    both = Image.new("RGB", (1024, 512))
    for number in range(2):
        both.paste(Image.open(SAMPLES[2 * number]).resize((512, 512)), (512 * number, 0))
    written = io.BytesIO()
    both.save(written, "PNG")
    return written.getvalue()


def test_the_mesh_starts_at_the_very_camera_of_its_photograph_and_turns(ready):
    tab = ready()
    tab.click("[aria-label='Sample 3']")  # its square is not its frame
    show(tab, "sample 3.jpg")
    start = tab.evaluate(CANVAS)
    tab.check("text=Show the mask")
    fetched = tab.evaluate(
        """async () => {
            const file = await (await fetch(document.querySelector('.stage .mask').src)).blob();
            return await new Promise((done) => {
                const reader = new FileReader();
                reader.onload = () => done(reader.result);
                reader.readAsDataURL(file);
            });
        }"""
    )
    mask = as_shown(tab, np.asarray(picture_of(fetched)) > 127)
    drawn = picture_of(start).getchannel("A").resize(mask.shape[::-1], Image.Resampling.BOX)
    mesh = np.asarray(drawn) > 127
    iou = (mesh & mask).sum() / (mesh | mask).sum()
    told = int(re.search(r"overlap (\d+)%", tab.inner_text(".facts"))[1]) / 100
    assert told > 0.8
    assert iou == pytest.approx(told, abs=0.03)
    assert tab.evaluate("getComputedStyle(document.querySelector('.viewer canvas')).opacity") == "1"
    tab.fill("input[aria-label^='Blend']", "30")
    opacity = tab.evaluate("getComputedStyle(document.querySelector('.viewer canvas')).opacity")
    assert float(opacity) == pytest.approx(0.3)
    turned_by_hand_and_key(tab, start)


def as_shown(tab, mask):
    """A mask [R, R] of the frame moved to where the page shows it."""
    place = "(name) => document.querySelector(`.stage ${name}`).getBoundingClientRect().toJSON()"
    over, stage = tab.evaluate(place, ".mask"), tab.evaluate(place, "canvas")
    right, below = (round((over[x] - stage[x]) / stage["width"] * len(mask)) for x in ("x", "y"))
    wide = np.pad(mask, len(mask))
    return wide[len(mask) - below :, len(mask) - right :][: len(mask), : len(mask)]


def margins(tab):
    """From the stage's sides in to the photograph's, as shares: left, right, top, bottom."""
    place = "(name) => document.querySelector(name).getBoundingClientRect().toJSON()"
    stage, photograph = (tab.evaluate(place, name) for name in (".stage", ".behind img"))
    pairs = (("left", 1), ("right", -1), ("top", 1), ("bottom", -1))
    return [sign * (photograph[side] - stage[side]) / stage["width"] for side, sign in pairs]


def beside(color, left):
    """A sample with so many pixels of one colour left of it."""
    sample = Image.open(SAMPLES[4])
    wide = Image.new("RGB", (sample.width + left, sample.height), color)
    wide.paste(sample, (left, 0))
    written = io.BytesIO()
    wide.save(written, "PNG")
    return written.getvalue()


def test_the_photograph_fills_its_square_or_stands_in_the_middle_of_it(ready):
    tab = ready()
    for number in (3, 4):  # their squares reach beyond them, more on one side
        tab.click(f"[aria-label='Sample {number}']")
        show(tab, f"sample {number}.jpg")
        left, right, top, bottom = margins(tab)
        assert left == pytest.approx(right, abs=0.005)
        assert top == pytest.approx(bottom, abs=0.005)
    drop(tab, [("wide.png", beside("gray", 600))])
    show(tab, "wide.png")
    left, right, top, bottom = margins(tab)
    assert right == pytest.approx(0, abs=0.005)
    assert left < 0
    assert top == pytest.approx(bottom, abs=0.005)


def turned_by_hand_and_key(tab, start):
    area = tab.locator(".stage").bounding_box()
    middle = area["x"] + area["width"] / 2, area["y"] + area["height"] / 2
    tab.mouse.move(*middle)
    tab.mouse.down()
    tab.mouse.move(middle[0] + 90, middle[1], steps=3)
    tab.mouse.up()
    dragged = tab.evaluate(CANVAS)
    assert dragged != start
    tab.keyboard.press("ArrowLeft")
    assert tab.evaluate(CANVAS) not in (start, dragged)
    tab.keyboard.press("Home")
    assert tab.evaluate(CANVAS) == start
    tab.click("text=Turn it")
    tab.wait_for_function(f"{CANVAS} !== {json.dumps(start)}")
    tab.click("text=Stop")
    tab.click("text=Back to the photograph’s view")
    assert tab.evaluate(CANVAS) == start


def test_files_dropped_become_meshes_and_a_bad_one_says_why_beside_itself(ready):
    tab = ready()
    files = [("car.jpg", SAMPLES[5].read_bytes()), ("broken.jpg", b"no picture")]
    drop(tab, files)
    show(tab, "car.jpg")
    bad = tab.wait_for_selector(".card.error:has-text('broken.jpg')")
    problem = bad.query_selector(".problem").inner_text()
    assert "JPEG, PNG, WebP" in problem  # the API's own words: what is allowed
    bad.click()
    assert tab.wait_for_selector(".details [role=alert]").inner_text() == problem
    drop(tab, [("car.jpg", SAMPLES[1].read_bytes())])
    show(tab, "car (2).jpg")
    tab.focus(".card:has-text('car.jpg')")
    tab.keyboard.press("Enter")
    show(tab, "car.jpg")
    # The front or the rear: the other direction is shown by the same mesh.
    start = tab.evaluate(CANVAS)
    tab.click(".facts button:has-text('the front (')")
    tab.wait_for_function(f"{CANVAS} !== {json.dumps(start)}")  # the page's server answers first
    tab.click(".facts button:has-text('As found')")
    tab.wait_for_function(f"{CANVAS} === {json.dumps(start)}")


def test_a_box_that_is_drawn_says_which_object_is_meant(ready):
    tab = ready()
    drop(tab, [("two.png", two_vehicles())])
    show(tab, "two.png")
    before = tab.get_attribute(".viewer", "data-shown")
    tab.click("text=Wrong object? Draw a box")
    assert tab.wait_for_selector("text=Use this box").is_disabled()
    area = tab.wait_for_selector(".boxed img").bounding_box()
    tab.wait_for_function("document.querySelector('.boxed img').naturalWidth > 0")
    tab.wait_for_timeout(400)  # the dialog grows into its place
    area = tab.locator(".boxed").bounding_box()
    at = [(area["x"] + x * area["width"], area["y"] + y * area["height"]) for x, y in BOX]
    tab.mouse.move(*at[0])
    tab.mouse.down()
    tab.mouse.move(*at[1], steps=3)
    tab.mouse.up()
    tab.click("text=Use this box")
    tab.wait_for_function(
        f"(document.querySelector('.viewer')?.dataset.shown ?? {before!r}) !== {before!r}"
    )
    # The stage shows the square around the right one: the photograph begins left of it.
    left = float(tab.locator(".behind img").evaluate("image => image.style.left.slice(0, -1)"))
    assert left < -60


BOX = ((0.55, 0.3), (0.97, 0.95))
"""Two corners around the right one of the two vehicles, as shares of the picture."""


def test_meshes_are_downloaded_one_by_one_and_as_zip(ready):
    tab = ready()
    tab.click("[aria-label='Sample 2']")
    show(tab, "sample 2.jpg")
    contents = {}
    for text in ("GLB", "STL", "All as ZIP", "ZIP of all 2 photographs"):
        with tab.expect_download() as download:
            tab.click(f"button:text-is('{text}')")
        contents[download.value.suggested_filename] = download.value.path().read_bytes()
    assert list(contents) == ["sample 2.glb", "sample 2.stl", "sample 2.zip", "meshes.zip"]
    glb, stl = contents["sample 2.glb"], contents["sample 2.stl"]
    assert glb[:4] == b"glTF"
    faces = int.from_bytes(stl[80:84], "little")
    assert faces > 0
    assert len(stl) == 84 + 50 * faces
    names = zipfile.ZipFile(io.BytesIO(contents["meshes.zip"])).namelist()
    each = ["mesh.glb", "mesh.obj.zip", "mesh.stl", "mesh.3mf", "mask.png", "answer.json"]
    assert names == [f"sample {n}.jpg/{file}" for n in (1, 2) for file in each]


def test_a_photograph_is_taken_with_the_camera(ready):
    tab = ready()
    tab.click("text=Take one with the camera")
    tab.wait_for_function("document.querySelector('.film video')?.videoWidth > 0")
    tab.click("text=Take it")
    tab.wait_for_selector(".card.ok:has-text('camera.jpg'), .card.error:has-text('camera.jpg')")
    assert not tab.is_visible(".film")


def test_a_photograph_is_removed_and_its_neighbour_takes_its_place(ready):
    tab = ready()
    drop(tab, [("broken.jpg", b"no picture")])
    tab.wait_for_selector(".card.error")
    for number in (2, 3):
        tab.click(f"[aria-label='Sample {number}']")
        show(tab, f"sample {number}.jpg")
    tab.click("role=tab[name='Control']")
    tab.wait_for_selector("select[aria-label='Shape from']:has-text('sample 2.jpg')")
    # By key on its card, while the other is the one that is controlled; then by buttons.
    tab.focus(".card:has-text('sample 2.jpg')")
    tab.keyboard.press("Delete")
    tab.wait_for_selector("select[aria-label='Shape from']:not(:has-text('sample 2.jpg'))")
    tab.click("role=tab[name='Reconstruct']")
    names = ("sample 3.jpg", "broken.jpg", "sample 1.jpg", "A photograph in, a 3D mesh out")
    for name, then in pairwise(names):
        tab.wait_for_selector(f".details h2:text-is('{name}')")
        tab.click(".details button:text-is('Remove')")
        tab.wait_for_selector(f".details h2:has-text('{then}')")
    assert tab.query_selector(".card") is None
    tab.click("role=tab[name='Control']")
    tab.wait_for_selector(".control .empty")
