"""Fails where pyright finds an error in graphics/ or service/, or more in train/ than allowed.

    .venv/bin/python .ci/type_errors.py

The allowance for train/ is the number in `.ci/type_errors_allowed`. It only falls: whoever mends an
error writes the lower number there. Exit status: 0 fine, 1 other errors than allowed.
"""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[1]
ALLOWANCE = Path(".ci") / "type_errors_allowed"
ALLOWED_IN = "train"


def find_errors() -> list[dict[str, Any]]:
    """What pyright reports as errors, by its settings in pyproject.toml."""
    command = [sys.executable, "-m", "pyright", "--pythonpath", sys.executable, "--outputjson"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    if done.returncode not in (0, 1):
        sys.exit(f"pyright did not run:\n{done.stdout}{done.stderr}")
    found = json.loads(done.stdout)["generalDiagnostics"]
    return [one for one in found if one["severity"] == "error"]


def line_of(error: dict[str, Any]) -> str:
    """One error as one line, which editors know how to open."""
    start = error["range"]["start"]
    path = Path(error["file"]).relative_to(ROOT)
    message = error["message"].splitlines()[0]
    return f"{path}:{start['line'] + 1}:{start['character'] + 1}: {message}"


def main() -> int:
    """The check; returns its exit status."""
    lines = [line_of(error) for error in find_errors()]
    counted = [line for line in lines if line.startswith(f"{ALLOWED_IN}/")]
    refused = [line for line in lines if line not in counted]
    allowed = int((ROOT / ALLOWANCE).read_text())
    if len(counted) > allowed:
        refused += counted
    print("\n".join(refused), end="\n" if refused else "")
    outside = len(lines) - len(counted)
    print(f"type errors: {outside}; in {ALLOWED_IN}/ {len(counted)}, {allowed} allowed")
    if len(counted) < allowed:
        print(f"{ALLOWED_IN}/ has fewer errors than allowed: write {len(counted)} into {ALLOWANCE}")
    return int(bool(refused) or len(counted) != allowed)


if __name__ == "__main__":
    sys.exit(main())
