import base64
import gc
import io
import json

import numpy as np
import pytest
import trimesh
from PIL import Image

from graphics.frames import FRAME
from tests.service.requests import image_of, jpeg, png, post
from tests.service.small_bundle import POISON_GREY, RESOLUTION


def test_one_photograph_comes_back_as_a_coloured_mesh_with_its_camera(client):
    answer = post(client, jpeg(), preview="true")
    assert answer.status_code == 200
    (entry,) = answer.json()["images"]
    assert (entry["index"], entry["name"], entry["status"]) == (0, "0.jpg", "ok")
    assert entry["mesh"]["media_type"] == "model/gltf-binary"
    mesh = trimesh.load(
        io.BytesIO(base64.b64decode(entry["mesh"]["data"])), file_type="glb", force="mesh"
    )
    assert len(mesh.faces) == 80
    colour = np.asarray(mesh.visual.material.baseColorTexture.convert("RGB"))[0, 0]
    assert np.all(np.abs(colour - [123, 113, 112]) <= 2)  # the cut-out's mean
    camera = entry["camera"]
    assert camera["elevation_degrees"] == 10
    assert camera["distance"] == 5
    assert np.shape(camera["view_matrix"]) == np.shape(camera["projection_matrix"]) == (4, 4)
    assert "azimuth" in camera["convention"]
    assert image_of(entry["mask"]).size == (RESOLUTION, RESOLUTION)
    assert image_of(entry["preview"]).mode == "RGBA"
    assert 0 < entry["rerender_iou"] <= 1
    assert entry["confidence"] == 1
    # A box of 60 x 45 px in the middle of 120 x 90.
    side = FRAME * np.sqrt(60 * 45)
    frame = {"left": 60 - side / 2, "top": 45 - side / 2, "side": side}
    assert entry["frame"] == pytest.approx(frame, abs=3)
    stages = [
        "decode",
        "segment",
        "cut_out",
        "reconstruct",
        "paint",
        "render",
        "assess",
        "encode",
        "mesh",
    ]
    assert list(entry["timings"]) == [*stages, "total"]


def test_the_matrices_take_the_mesh_to_the_mask(client):
    (entry,) = post(client, jpeg(), format="npz").json()["images"]
    arrays = np.load(io.BytesIO(base64.b64decode(entry["mesh"]["data"])))
    vertices = np.concatenate([arrays["vertices"], np.ones((len(arrays["vertices"]), 1))], axis=1)
    view, projection = (
        np.array(entry["camera"][f"{name}_matrix"]) for name in ("view", "projection")
    )
    clip = vertices @ view.T @ projection.T
    on_image = clip[:, :2] / clip[:, 3:]
    rendered = np.asarray(
        image_of(post(client, jpeg(), preview="1").json()["images"][0]["preview"])
    )
    rows, columns = np.nonzero(rendered[..., 3] > 127)
    assert columns.max() == pytest.approx(128 * (1 + on_image[:, 0].max()), abs=3)
    assert rows.min() == pytest.approx(128 * (1 - on_image[:, 1].max()), abs=3)


@pytest.mark.parametrize(
    ("form", "magic"),
    [("glb", b"glTF"), ("obj", b"PK\3\4"), ("stl", b"object: "), ("npz", b"PK\3\4")],
)
def test_every_format_is_that_format(client, form, magic):
    (entry,) = post(client, jpeg(), format=form).json()["images"]
    assert entry["mesh"]["format"] == form
    assert base64.b64decode(entry["mesh"]["data"]).startswith(magic)


def test_the_intrinsics_take_the_mesh_to_the_photograph_s_pixels(client):
    content = jpeg(width=400, height=300)
    (entry,) = post(client, content, format="npz").json()["images"]
    vertices = np.load(io.BytesIO(base64.b64decode(entry["mesh"]["data"])))["vertices"]
    camera, frame = entry["camera"], entry["frame"]
    points = np.concatenate([vertices, np.ones((len(vertices), 1))], axis=1)
    seen = points @ np.transpose(camera["view_matrix"])
    clip = seen @ np.transpose(camera["projection_matrix"])
    column = frame["left"] + frame["side"] * (1 + clip[:, 0] / clip[:, 3]) / 2
    row = frame["top"] + frame["side"] * (1 - clip[:, 1] / clip[:, 3]) / 2
    inside = camera["intrinsics"]
    centre_x, centre_y = inside["principal_point"]
    np.testing.assert_allclose(
        column, centre_x + inside["focal_length"] * seen[:, 0] / -seen[:, 2], atol=1e-2
    )
    np.testing.assert_allclose(
        row, centre_y - inside["focal_length"] * seen[:, 1] / -seen[:, 2], atol=1e-2
    )


def test_a_photograph_without_an_object_says_so_and_is_sure_of_nothing(client):
    (entry,) = post(client, png(Image.new("RGB", (50, 50), "white"))).json()["images"]
    assert entry["status"] == "ok"
    assert entry["quality_flags"] == ["no_object"]
    assert entry["rerender_iou"] == entry["confidence"] == 0
    assert entry["camera"]["alternatives"] == []
    assert entry["frame"] == {"left": 0, "top": 0, "side": 50}


def test_sixty_four_photographs_with_poison_among_them_keep_their_order(client):
    black = png(Image.new("RGB", (40, 40)))  # the reconstructor's numbers are undefined on it
    contents = [jpeg(colour=(60 + 3 * i, 0, 0)) for i in range(64)]
    contents[10], contents[20], contents[30] = b"junk", black, b""
    answer = post(client, *contents)
    assert answer.status_code == 207
    body = answer.json()
    assert (body["succeeded"], body["failed"]) == (61, 3)
    codes = {e["index"]: e["error"]["code"] for e in body["images"] if e["status"] == "error"}
    assert codes == {10: "unsupported_format", 20: "not_finite", 30: "empty_file"}
    fine = [e["camera"]["azimuth_degrees"] for e in body["images"] if e["status"] == "ok"]
    assert fine == sorted(fine)
    assert [e["index"] for e in body["images"]] == list(range(64))


def test_a_photograph_that_breaks_the_graph_harms_no_other_in_its_batch(client):
    poison = png(Image.new("RGB", (40, 40), (POISON_GREY,) * 3))
    answer = post(client, *[jpeg()] * 3, poison, *[jpeg()] * 3)
    assert answer.status_code == 207
    statuses = [entry["status"] for entry in answer.json()["images"]]
    assert statuses == ["ok"] * 3 + ["error"] + ["ok"] * 3
    alone = post(client, poison)
    assert alone.status_code == 500
    assert alone.json()["images"][0]["error"]["code"] == "internal_error"


def test_a_photograph_s_answer_does_not_depend_on_its_company(client):
    alone = post(client, jpeg()).json()["images"][0]
    among = post(client, b"junk", jpeg(colour=(9, 9, 9)), jpeg()).json()["images"][2]
    # Sums in another order: equal up to the last bits of float32.
    matrices = [entry["camera"]["view_matrix"] for entry in (alone, among)]
    np.testing.assert_allclose(*matrices, atol=1e-4)
    for key in ("mask", "frame", "rerender_iou", "confidence"):
        assert among[key] == alone[key]


def test_a_hundred_corrupt_uploads_are_a_hundred_clear_entries(client):
    random = np.random.default_rng(0)
    whole = jpeg()
    corrupt = [random.bytes(int(size)) for size in random.integers(1, 3000, 50)]
    corrupt += [whole[: int(cut)] for cut in random.integers(1, 400, 50)]
    entries = []
    for half in (corrupt[:50], corrupt[50:]):
        answer = post(client, *half)
        assert answer.status_code == 422
        entries += answer.json()["images"]
    assert len(entries) == 100
    assert all(entry["status"] == "error" for entry in entries)
    assert all(entry["error"]["message"] for entry in entries)
    assert {entry["error"]["code"] for entry in entries} <= {
        "unsupported_format",
        "unreadable_image",
    }


def test_a_text_part_is_never_taken_as_an_address(client):
    answer = client.post(
        "/v1/reconstruct",
        files=[
            ("images", ("a.jpg", jpeg())),
            ("images", (None, "http://127.0.0.1:1/secret.jpg")),
        ],
    )
    assert answer.status_code == 207
    assert answer.json()["images"][1]["error"]["code"] == "not_a_file"


@pytest.mark.parametrize(
    ("request_fields", "status", "code"),
    [
        ({"files": [("images", ("a", b""))], "data": {"format": "fbx"}}, 400, "invalid_field"),
        ({"files": [("images", ("a", b""))], "data": {"preview": "perhaps"}}, 400, "invalid_field"),
        ({"files": [("images", ("a", b""))], "data": {"surprise": "1"}}, 400, "unknown_field"),
        ({"files": [("pictures", ("a", b""))]}, 400, "unknown_field"),
        ({"files": [("format", ("a", b"glb"))]}, 400, "invalid_field"),
        ({"files": [("format", (None, "glb"))]}, 400, "wrong_count"),
        ({"files": [("images", ("a", b""))] * 65}, 400, "wrong_count"),
        ({"files": [("images", ("a", b""))] * 129}, 400, "malformed_multipart"),
        ({"files": [("images", ("a", b""))], "data": {"texture_size": "4096"}}, 400,
         "invalid_field"),
        ({"files": [("images", ("a", b""))], "data": {"texture_size": "64", "format": "npz"}}, 400,
         "invalid_field"),
        ({"files": [("images", ("a", b"")), ("masks", ("b", b""))]}, 400, "unmatched_mask"),
        ({"files": [("images", ("a", b""))] * 2 + [("masks", ("a", b""))]}, 400, "unmatched_mask"),
        ({"files": [("images", ("a", b""))] + [("masks", ("a", b""))] * 2}, 400, "duplicate_mask"),
        ({"files": [("images", ("a", b""))], "headers": {"accept": "text/html"}}, 406,
         "not_acceptable"),
        ({"json": {}}, 415, "wrong_content_type"),
        ({"content": b"x", "headers": {"content-type": "multipart/form-data"}}, 400,
         "malformed_multipart"),
        ({"content": b"junk", "headers": {"content-type": "multipart/form-data; boundary=x"}}, 400,
         "malformed_multipart"),
        ({"files": [("images", ("a", bytes(5 << 20)))]}, 413, "body_too_large"),
    ],
)  # fmt: skip
def test_a_request_that_cannot_be_served_is_one_clear_refusal(client, request_fields, status, code):
    answer = client.post("/v1/reconstruct", **request_fields)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]


def test_a_body_that_hides_its_length_is_cut_off_too(client):
    def chunks():
        for _ in range(6):
            yield bytes(1 << 20)

    headers = {"content-type": "multipart/form-data; boundary=x"}
    answer = client.post("/v1/reconstruct", content=chunks(), headers=headers)
    assert answer.status_code in (400, 413)


def test_beyond_the_queue_limit_requests_are_told_when_to_come_back(client):
    from service.api import routes

    engine = routes.state.engine
    with engine.admit(engine.settings.queue_limit - 1):
        assert post(client, jpeg()).status_code == 200
        answer = post(client, jpeg(), jpeg())
    assert answer.status_code == 429
    assert answer.json()["error"]["code"] == "overloaded"
    assert int(answer.headers["retry-after"]) >= 1
    assert post(client, jpeg()).status_code == 200


def test_the_model_describes_itself(client, loaded_bundle):
    body = client.get("/v1/model").json()
    assert body["licence"] == body["manifest"]["licence"]
    assert "azimuth" in body["camera_convention"]
    assert body["manifest"]["category"] == "ellipses"
    assert body["manifest"]["licence"] == {"data": "CC0-1.0", "weights": "CC0-1.0"}
    assert set(body["providers"].values()) == {"CPUExecutionProvider"}
    sha256 = loaded_bundle.manifest.files["segmenter.onnx"]
    assert body["segmenter"] == {
        "kind": "bundle",
        "side": RESOLUTION,
        "origin": "segmenter.onnx of the bundle ellipses",
        "licence": "CC0-1.0",
        "sha256": sha256,
    }
    line = f'inverse_graphics_segmenter_info{{kind="bundle",sha256="{sha256}"}} 1.0'
    assert line in client.get("/metrics").text


def test_probes_and_the_openapi_document_answer(client):
    assert client.get("/livez").status_code == 200
    assert client.get("/readyz").status_code == 200
    document = client.get("/docs.json").json()
    assert {"/v1/reconstruct", "/v1/render", "/v1/model"} <= set(document["paths"])
    text = json.dumps(document)
    known = set(document["components"]["schemas"])
    referred = {part.split('"')[0] for part in text.split("#/components/schemas/")[1:]}
    assert referred <= known


def test_a_wrong_method_or_path_is_not_found(client):
    assert client.get("/v1/reconstruct").status_code == 405
    assert client.post("/v2/reconstruct").status_code == 404


def test_full_collections_leave_out_what_was_loaded(client):
    assert gc.get_freeze_count() > 100_000
