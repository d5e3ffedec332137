import base64
import io
import re

from PIL import Image

from tests.train.evaluation.test_report import blank_truth, measured
from train.evaluation.metrics import METRICS, ROWS
from train.evaluation.report import estimates
from train.evaluation.report_page import page
from train.pictures.captioned_sheet import CELL, MARGIN


def test_the_page_shows_thirty_objects_and_needs_nothing_beside_it() -> None:
    first, truth = measured(0.5), blank_truth()
    truth.names[int(first.scores.iou2d_novel30.argmax())] = "<script>best</script>.glb"
    metrics = estimates(first.scores)
    text = page(
        {"bundle": metrics, "oracle (2 objects)": metrics}, {"bundle": "a & b"}, first, truth
    )
    pictures = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', text)
    assert len(pictures) == 30 == text.count("<img")
    with Image.open(io.BytesIO(base64.b64decode(pictures[0]))) as image:
        assert image.size == (9 * CELL + 4 * MARGIN, CELL)
    assert "http" not in text and "<link" not in text and "<script" not in text
    assert "&lt;script&gt;best&lt;/script&gt;.glb" in text and "a &amp; b" in text
    assert all(f"<td>{name}</td>" in text and f"<dt>{name}</dt>" in text for name in METRICS)
    assert f"<dt>oracle (2 objects)</dt><dd>{ROWS['oracle']}</dd>" in text
    order = [text.index(f"<h3>{title}") for title in ("Best", "Around the median", "Worst")]
    assert order == sorted(order)
    best = text[order[0] : order[1]]
    assert "best" in best and best.count("<figure>") == 10
