"""Tabs Control, Jobs and Explain, the width of a phone, accessibility, and the docs' pictures."""

import io
import os
import zipfile
from pathlib import Path

import httpx
import pytest
from PIL import Image

from tests.service.ui.conftest import DESKTOP, KEY, PHONE, SAMPLES
from tests.service.ui.test_reconstruct import drop, show

pytestmark = [pytest.mark.browser, pytest.mark.server]
TABS = ("Reconstruct", "Control", "Jobs", "Explain")
SOURCES = "[...document.querySelectorAll('.render img')].map((image) => image.src)"
LARGEST_PICTURE = 200_000  # bytes, of one in the documentation


def tab_of(page, name):
    page.click(f"role=tab[name='{name}']")
    page.wait_for_selector(f"role=tab[name='{name}'][selected]")


def drawn(page, before=("", "", "")):
    """Wait until all three renderers drew something else; what they drew."""
    page.wait_for_function(
        f"(before) => {{ const now = {SOURCES}; return now.length === 3 && "
        "now.every((one, number) => one.startsWith('data:') && one !== before[number]) }",
        arg=list(before),
    )
    return page.evaluate(SOURCES)


def test_the_mesh_is_drawn_larger_once_the_hand_leaves_the_slider(ready):
    page = ready()
    page.click("[aria-label='Sample 2']")
    show(page, "sample 2.jpg")
    tab_of(page, "Control")
    drawn(page)
    event = "document.querySelector('input[aria-label=Azimuth]').dispatchEvent(new Event('{}'))"
    widths = "[...document.querySelectorAll('.render img')].map((image) => image.naturalWidth)"
    for name, wanted in (("input", [128, 128, 128]), ("change", [256, 128, 128])):
        page.evaluate(event.format(name))
        page.wait_for_function(f"(wanted) => {widths}.join() === wanted.join()", arg=wanted)


def test_sliders_and_parts_of_another_change_what_three_renderers_draw(ready):
    page = ready()
    page.click("[aria-label='Sample 3']")
    show(page, "sample 3.jpg")
    tab_of(page, "Control")
    first = drawn(page)
    page.fill("input[aria-label=Azimuth]", "-40")
    turned = drawn(page, first)
    page.wait_for_selector("output:has-text('-40.0°')")
    # By keyboard and screen reader: a list; by hand: a card is dragged.
    page.select_option("select[aria-label='Texture from']", label="sample 1.jpg")
    painted = drawn(page, turned)
    page.drag_and_drop(".card:has-text('sample 1.jpg')", "[data-slot=shape]")
    page.wait_for_selector("[data-slot=shape].taken")
    shaped = drawn(page, painted)
    page.select_option("select[aria-label='Shape from']", label="its own")
    page.wait_for_selector("[data-slot=shape]:not(.taken)")
    drawn(page, shaped)
    for press, file in (("Turntable", "turntable.webp"), ("Interpolate", "interpolation.webp")):
        page.click(f"button:text-is('{press}')")
        with page.expect_download() as download:
            page.click(f"text=Download {file}")
        film = Image.open(io.BytesIO(download.value.path().read_bytes()))
        assert film.n_frames > 10
    page.select_option("select[aria-label='Renderer of the film']", "gan")
    page.select_option("select[aria-label='Format']", "mp4")
    page.click("button:text-is('Turntable')")
    # With the extra video it is a film; without it the API says what to install.
    page.wait_for_selector(".control video, .control [role=alert]:has-text('imageio-ffmpeg')")


def test_a_zip_becomes_a_job_that_is_watched_downloaded_and_deleted(ready, tmp_path):
    page = ready()
    tab_of(page, "Jobs")
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        archive.write(SAMPLES[0], "a.jpg")
        archive.writestr("b.jpg", b"no picture")
    target = ".jobs .drop"
    drop(page, [("mine.zip", written.getvalue())], target)
    job = page.wait_for_selector(".job:has-text('1 of 2 photographs are meshes, 1 failed')")
    assert "JPEG, PNG" in job.query_selector(".failures").inner_text()
    with page.expect_download() as download:
        page.click("text=Download results")
    names = zipfile.ZipFile(download.value.path()).namelist()
    assert "0000/mesh.glb" in names
    drop(page, [("no.zip", b"no archive")], target)
    assert "ZIP" in page.wait_for_selector(".job:has-text('no.zip') [role=alert]").inner_text()
    page.click("text=Close")
    # The browser knows it again.
    page.reload()
    page.fill("input[name=key]", KEY)
    page.press("input[name=key]", "Enter")
    page.wait_for_selector(".state.ready")
    tab_of(page, "Jobs")
    page.click(".job button:text-is('Delete')")
    page.wait_for_selector("text=No jobs yet")


def test_a_job_is_cancelled_while_it_runs(ready):
    page = ready()
    tab_of(page, "Jobs")
    written = io.BytesIO()
    with zipfile.ZipFile(written, "w") as archive:
        for number in range(200):
            archive.write(SAMPLES[number % len(SAMPLES)], f"{number}.jpg")
    drop(page, [("many.zip", written.getvalue())], ".jobs .drop")
    page.click(".job:has-text('many.zip') button:text-is('Cancel')")
    text = page.wait_for_selector(".job:has-text('many.zip') [role=status]:has-text('cancelled')")
    assert int(text.inner_text().split()[0]) < 200
    page.click(".job:has-text('many.zip') button:text-is('Delete')")
    page.wait_for_selector(".job:has-text('many.zip')", state="detached")


def test_explain_says_what_the_service_says_of_its_model(ready, served):
    page = ready()
    tab_of(page, "Explain")
    headers = {"Authorization": f"Bearer {KEY}"}
    model = httpx.get(f"{served.service}/v1/model", headers=headers).json()
    text = page.inner_text(".explain")
    measured = model["metrics"]["evaluate"]["rows"]["bundle"]["iou2d_novel30"]["value"]
    assert f"{measured:.3g}" in text
    assert f"The model: {model['manifest']['category']}" in text
    flipped = model["metrics"]["adaptation"]["by_folds"]["azimuth_flipped"]
    assert f"On {flipped:.0%} of the real photographs" in text
    assert model["segmenter"]["licence"] in text


@pytest.mark.parametrize("viewport", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_every_tab_fits_the_width_and_has_no_serious_finding_of_axe(ready, viewport):
    axe = pytest.importorskip("axe_playwright_python.sync_playwright", reason="axe is not there")
    page = ready(viewport)
    page.click("[aria-label='Sample 6']")
    show(page, "sample 6.jpg")
    for name in TABS:
        tab_of(page, name)
        if name == "Control":
            drawn(page)
        widths = page.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert widths[0] <= widths[1], name
        violations = axe.Axe().run(page).response["violations"]
        serious = [one for one in violations if one["impact"] in ("serious", "critical")]
        assert [(one["id"], one["nodes"][0]["html"][:200]) for one in serious] == [], name


def test_the_documentation_s_pictures_are_made_of_the_samples(ready, tmp_path):
    """INVERSE_GRAPHICS_SCREENSHOTS names a folder to write them to: docs."""
    folder = Path(os.environ.get("INVERSE_GRAPHICS_SCREENSHOTS", tmp_path))
    page = ready()
    for number in (4, 3):
        page.click(f"[aria-label='Sample {number}']")
        show(page, f"sample {number}.jpg")
    page.mouse.move(5, 5)
    page.screenshot(path=folder / "page_reconstruct.png")
    tab_of(page, "Control")
    before = drawn(page)
    page.select_option("select[aria-label='Texture from']", label="sample 4.jpg")
    drawn(page, before)
    page.screenshot(path=folder / "page_control.png")
    page.set_viewport_size(PHONE)
    tab_of(page, "Reconstruct")
    page.wait_for_timeout(500)
    page.screenshot(path=folder / "page_phone.png")
    for name in ("reconstruct", "control", "phone"):
        file = folder / f"page_{name}.png"
        with Image.open(file) as picture:
            # Median cut, the default, makes a small blue car purple and posterises photographs.
            smaller = picture.convert("RGB").quantize(
                256, Image.Quantize.FASTOCTREE, dither=Image.Dither.FLOYDSTEINBERG
            )
        smaller.save(file, optimize=True)
        assert file.stat().st_size < LARGEST_PICTURE
