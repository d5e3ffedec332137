import io
import pickle
import zipfile

import numpy as np
import pytest

from service.errors import ItemError
from service.pipeline.archive import Archive, pack, unpack
from tests.service.small_bundle import RESOLUTION, TEXTURE_SIZE


@pytest.fixture
def archive(loaded_bundle):
    random = np.random.default_rng(0)
    return Archive(
        loaded_bundle.template.vertices,
        random.integers(0, 256, (*TEXTURE_SIZE, 3), dtype=np.uint8),
        random.integers(0, 256, (RESOLUTION, RESOLUTION, 3), dtype=np.uint8),
        np.array([30, 10, 5, 0, 0], np.float32),
    )


def npz(arrays, **options):
    file = io.BytesIO()
    np.savez_compressed(file, **arrays, **options)
    return file.getvalue()


def test_what_is_packed_is_unpacked(archive, loaded_bundle):
    content = pack(archive, loaded_bundle.template)
    for got, packed in zip(
        unpack(content, loaded_bundle.manifest, TEXTURE_SIZE[1]), archive, strict=True
    ):
        np.testing.assert_array_equal(got, packed)
    assert set(np.load(io.BytesIO(content)).files) == {
        "vertices", "texture", "background", "camera", "faces", "face_uvs",
    }  # fmt: skip


@pytest.mark.parametrize("height", [1, 4, 50, 1024])
def test_a_texture_of_another_size_is_brought_to_the_service_s(archive, loaded_bundle, height):
    other = archive._replace(texture=np.full((height, 2 * height, 3), 77, np.uint8))
    unpacked = unpack(pack(other, loaded_bundle.template), loaded_bundle.manifest, 64)
    np.testing.assert_array_equal(unpacked.texture, np.full((32, 64, 3), 77, np.uint8))


def zip_bomb():
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as members:
        members.writestr("vertices.npy", bytes(50_000_000))
    return file.getvalue()


def header_bomb():
    """A few bytes whose header claims terabytes."""
    npy = io.BytesIO()
    np.lib.format.write_array_header_1_0(
        npy, {"descr": "<f4", "fortran_order": False, "shape": (1 << 40, 3)}
    )
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as members:
        members.writestr("vertices.npy", npy.getvalue())
    return file.getvalue()


@pytest.mark.parametrize(
    ("content", "code"),
    [
        (b"", "unreadable_npz"),
        (b"PK\3\4 not a zip", "unreadable_npz"),
        (pickle.dumps([1, 2]), "unreadable_npz"),
        (zip_bomb(), "wrong_npz"),
        (header_bomb(), "wrong_npz"),
        (npz({"vertices": np.array([{}], object)}), "wrong_npz"),
        (npz({"other": np.zeros(3)}), "incomplete_npz"),
    ],
)
def test_a_hostile_file_is_refused(content, code, loaded_bundle):
    with pytest.raises(ItemError) as caught:
        unpack(content, loaded_bundle.manifest, TEXTURE_SIZE[1])
    assert caught.value.code == code


@pytest.mark.parametrize(
    ("field", "change", "reason"),
    [
        ("vertices", lambda a: a[:-1], "vertices is float32"),
        ("vertices", lambda a: a * np.nan, "holds nan; its numbers must be within -1000..1000"),
        ("vertices", lambda a: a * 0 + 1001, "holds 1001; its numbers must be within"),
        ("camera", lambda a: a * [1, 1, 0, 1, 1], "camera is float64"),
        ("camera", lambda a: a * np.float32([1, 1, 0, 1, 1]), "distance is 0; it must be above 0"),
        ("texture", lambda a: a.astype(np.int8), "texture is int8"),
        ("texture", lambda a: a[:-1], r"texture is uint8 \(7, 16, 3\); .* in proportion, to"),
        ("texture", lambda a: a[:0], r"texture is uint8 \(0, 16, 3\)"),
        ("texture", lambda a: np.zeros((1025, 2050, 3), np.uint8), "texture holds .* bytes"),
        ("camera", lambda a: a[None], "camera is float32"),
        ("background", lambda a: np.asfortranarray(a), "background is uint8 .* in Fortran order"),
    ],
)
def test_other_shapes_kinds_and_numbers_are_refused(field, change, reason, archive, loaded_bundle):
    arrays = {**archive._asdict(), field: change(getattr(archive, field))}
    with pytest.raises(ItemError, match=reason):
        unpack(npz(arrays), loaded_bundle.manifest, TEXTURE_SIZE[1])
