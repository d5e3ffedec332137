import pytest

from tests.service.small_bundle import POISON_GREY, draw_photograph

BAD = {"07.jpg": b"no picture", "11.png": b""}
POISONED = "13.png"


@pytest.fixture(scope="session")
def photographs(tmp_path_factory):
    """A folder of 40, of which two are no pictures and one makes the segmenter fail."""
    folder = tmp_path_factory.mktemp("photographs")
    for number in range(40):
        image = draw_photograph(60 + number, 50, (60 + number, 30, 30))
        name = f"{number:02}.{'jpg' if number % 2 else 'png'}"
        if name.startswith(POISONED[:2]):
            image.putpixel((0, 0), (POISON_GREY,) * 3)
            image = image.resize((32, 32))
            image.paste((POISON_GREY,) * 3, (0, 0, 4, 4))
            name = POISONED
        image.save(folder / name)
    for name, content in BAD.items():
        path = folder / name
        path.with_suffix(".png").unlink(missing_ok=True)
        path.with_suffix(".jpg").unlink(missing_ok=True)
        path.write_bytes(content)
    return folder
