"""Alerts, dashboard and autoscaler ask for metrics that a running service exports."""

import json
import re
import shutil
import subprocess

import pytest
import yaml
from PIL import Image
from prometheus_client.parser import text_string_to_metric_families

from service.metrics import SECONDS
from service.settings import read_settings
from tests.k8s.built import K8S, build, needs_kubectl
from tests.service.conftest import bundle_folder, open_client  # noqa: F401
from tests.service.requests import jpeg, png
from tests.service.small_bundle import POISON_GREY

MONITORING = K8S / "components" / "monitoring"
OF_PROMETHEUS = {"up"}
NAME = re.compile(r"\b(inverse_graphics_\w+|up)\b(?=[{\[ )])")
needs_promtool = pytest.mark.skipif(
    shutil.which("promtool") is None, reason="promtool (Debian's prometheus) is not installed"
)


def groups() -> dict:
    return yaml.safe_load((MONITORING / "prometheusrule.yaml").read_text())["spec"]


def rules() -> list[dict]:
    (group,) = groups()["groups"]
    return group["rules"]


def panels() -> list[dict]:
    return json.loads((MONITORING / "dashboard.json").read_text())["panels"]


def triggers() -> list[dict]:
    path = K8S / "components" / "autoscaling" / "scaledobject.yaml"
    return yaml.safe_load(path.read_text())["spec"]["triggers"]


def expressions() -> dict[str, str]:
    """By where they stand."""
    found = {rule["alert"]: rule["expr"] for rule in rules()}
    found |= {one["name"]: one["metadata"]["query"] for one in triggers()}
    for panel in panels():
        found |= {f"{panel['title']} {one['refId']}": one["expr"] for one in panel["targets"]}
    return found


@pytest.fixture(scope="module")
def exported(bundle_folder):  # noqa: F811
    """Names of the series of a service that has seen good photographs, bad ones and refusals."""
    poison = Image.new("RGB", (64, 64), (POISON_GREY,) * 3)
    files = [("images", (name, content)) for name, content in
             [("a.jpg", jpeg()), ("b.png", png(poison)), ("c.jpg", b"no picture")]]  # fmt: skip
    with open_client(bundle_folder) as client:
        assert client.post("/v1/reconstruct", files=files).status_code == 207
        assert client.post("/v1/reconstruct", content=b"").status_code in range(400, 500)
        text = client.get("/metrics").text
    return {
        sample.name
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }  # fmt: skip


def test_every_metric_that_is_asked_for_is_exported(exported):
    asked = {where: set(NAME.findall(text)) for where, text in expressions().items()}
    assert all(asked.values())
    assert {where: names - exported - OF_PROMETHEUS for where, names in asked.items()
            if names - exported - OF_PROMETHEUS} == {}  # fmt: skip


def test_every_question_is_for_the_pods_of_the_monitor():
    # The label that the operator gives what a PodMonitor of this name finds.
    for where, text in expressions().items():
        assert text.count('{job=~".*/inverse-graphics"') == len(NAME.findall(text)), where


def test_limits_of_alerts_on_times_lie_where_there_are_buckets():
    (slow,) = (rule for rule in rules() if rule["alert"] == "InverseGraphicsSlow")
    assert float(slow["expr"].rsplit(">")[-1]) in SECONDS


@needs_kubectl
def test_the_dashboard_is_found_by_grafana_s_sidecar():
    config = build("overlays/cpu", "monitoring").one("ConfigMap", "inverse-graphics-dashboard")
    assert config["metadata"]["labels"]["grafana_dashboard"] == "1"
    shown = json.loads(config["data"]["dashboard.json"])
    assert len({panel["id"] for panel in shown["panels"]}) == len(shown["panels"]) > 8


@needs_kubectl
@pytest.mark.parametrize("overlay", ["overlays/cpu", "overlays/gpu"])
def test_full_queues_scale_up_to_the_most_replicas_and_idle_ones_down(overlay):
    built = build(overlay, "autoscaling")
    scaled = built.one("ScaledObject")["spec"]
    least, most = scaled["minReplicaCount"], scaled["maxReplicaCount"]
    settings = read_settings(built.settings)
    waiting, waited = scaled["triggers"]
    each = float(waiting["metadata"]["threshold"])
    assert waiting["metricType"] == "AverageValue"
    # A queue turns images away beyond its limit, so that no replica counts more of them.
    assert least * settings.queue_limit / each >= most > least
    # One request alone, on the fewest replicas, is no load yet that lasts.
    assert each >= 1
    seconds = float(waited["metadata"]["threshold"])
    assert waited["metricType"] == "Value"
    # Images wait for as long as DEADLINE_SECONDS, of which the buckets show the first part.
    assert min(SECONDS) < seconds < min(max(SECONDS), settings.deadline_seconds)


@needs_promtool
def test_every_expression_is_promql(tmp_path):
    recorded = [
        {"record": f"expression_{number}", "expr": text.replace("$__rate_interval", "5m")}
        for number, text in enumerate(expressions().values())
    ]
    promtool(tmp_path, "check", {"groups": [{"name": "all", "rules": recorded}]})
    promtool(tmp_path, "check", groups())


def series(name: str, values: str, **labels) -> dict:
    inside = ", ".join(f'{key}="{value}"' for key, value in labels.items())
    return {"series": f'{name}{{job="x/inverse-graphics", {inside}}}', "values": values}


def world(up: int, errors: int, late: int, outcome: str, kind: str) -> list[dict]:
    """Half an hour of one replica; `late` images of ten wait for ten seconds."""
    asked, wait = "inverse_graphics_requests_total", "inverse_graphics_queue_wait_seconds_bucket"
    return [
        *([series("up", "1x40", pod="a")] if up else []),
        series(asked, "0+60x40", status="200"),
        *(series(asked, f"0+{errors}x40", status=status) for status in ("500", "429")),
        series(wait, f"0+{10 - late}x40", le="0.1", runner="segmenter"),
        *(series(wait, "0+10x40", le=le, runner="segmenter") for le in ("10", "+Inf")),
        series("inverse_graphics_items_total", "0+9x40", outcome=outcome),
        series("inverse_graphics_batch_failures_total", f"0+{errors}x40", runner="segmenter"),
        series("inverse_graphics_segmenter_info", "1x40", kind=kind),
    ]


@needs_promtool
def test_all_alerts_fire_in_trouble_and_none_in_peace(tmp_path):
    firing = 'count by (alertname) (ALERTS{alertstate="firing"})'
    names = [{"labels": f'{{alertname="{rule["alert"]}"}}', "value": 1} for rule in rules()]
    trouble = world(up=0, errors=10, late=5, outcome="deadline_exceeded", kind="bundle")
    peace = world(up=1, errors=0, late=0, outcome="ok", kind="general")
    tests = [
        {
            "interval": "1m",
            "input_series": given,
            "promql_expr_test": [{"expr": firing, "eval_time": "30m", "exp_samples": expected}],
        }
        for given, expected in [(trouble, names), (peace, [])]
    ]
    (tmp_path / "rules.yaml").write_text(yaml.safe_dump(groups()))
    content = {"rule_files": ["rules.yaml"], "evaluation_interval": "1m", "tests": tests}
    promtool(tmp_path, "test", content)


def promtool(folder, verb: str, content: dict) -> None:
    path = folder / f"{verb}.yaml"
    path.write_text(yaml.safe_dump(content))
    command = ["promtool", verb, "rules", path.name]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
