"""The judge of the libraries beside us is just: what happened is right, what did not is not, whoever tells it."""

import json
import os
import subprocess
import sys
from collections import Counter
from dataclasses import replace
from importlib.util import module_from_spec, spec_from_file_location
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

ROOT = Path(__file__).parents[2]
REPORTS = ROOT / "docs/reports"


def part(name: str) -> ModuleType:
    """Load a module of the benchmark that stands alone; the package has the name of this folder."""
    spec = spec_from_file_location(f"capture_peers_{name}", ROOT / f"bench/capture_peers/{name}.py")
    assert spec is not None
    assert spec.loader is not None
    module = sys.modules[spec.name] = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


CATALOGUE: Any = part("catalogue")
VERDICT: Any = part("verdict")
Verdict, Crash = VERDICT.Verdict, VERDICT.Crash

Life = list[dict[str, object] | None]
ROWS = st.fixed_dictionaries(
    {"id": st.just(1), "status": st.sampled_from("abc"), "note": st.none() | st.just("x")}
)
LIVES = st.lists(ROWS | st.none(), max_size=8)
"""What becomes of one row, step by step; None where it is not there."""


def happened(life: Life, actor: str = "clerk-17") -> list[Any]:
    """Return the changes of a life, told as the database tells them: each step against the one before."""
    steps = [
        VERDICT.change("orders", one, other, actor) for one, other in zip([None, *life], life, strict=False)
    ]
    return [one for one in steps if one is not None]


def stored(life: Life) -> list[Any]:
    """Return the versions that a library stores of a life: each state, and the last one again when it ends."""
    found = []
    for before, after in zip([None, *life], life, strict=False):
        state = after or before
        if state is not None:
            found.append(VERDICT.Version("orders", 1, state, "clerk-17", deleted=after is None))
    return found


@given(LIVES)
def test_versions_tell_what_happened(life: Life) -> None:
    """Whoever stores each version of a row is credited with each change of it, and nothing beside."""
    seen = happened(life)
    assert VERDICT.judge(seen, seen, Counter(VERDICT.changes_of(stored(life)))).complete


@given(LIVES.filter(happened), st.data())
def test_a_change_that_is_missing_wrong_or_too_many_is_told(life: Life, data: st.DataObject) -> None:
    """Nothing but what happened is complete."""
    seen = happened(life)
    one = data.draw(st.sampled_from(seen))
    right = Counter(seen)
    missing = VERDICT.judge(seen, seen, right - Counter([one]))
    assert (missing.right, missing.false, missing.complete) == (len(seen) - 1, 0, False)
    more = VERDICT.judge(seen, seen, right + Counter([one]))
    assert (more.right, more.false, more.complete) == (len(seen), 1, False)
    other = VERDICT.judge(seen, seen, right - Counter([one]) + Counter([replace(one, actor="somebody")]))
    assert (other.right, other.but_actor, other.complete) == (len(seen) - 1, len(seen), False)


@pytest.mark.parametrize(
    ("outcomes", "said"),
    [
        ([Verdict(3, 3, 0, 3, 3, 3)], "100 %"),
        ([Verdict(0, 0, 0, 0, 0, 0)], "100 %"),
        ([Verdict(3, 3, 1, 3, 3, 3)], "100 %, 1 false"),
        ([Verdict(3, 2, 0, 2, 2, 3)], "66 %"),
        ([Verdict(3, 3, 1, 3, 1, 1)], "100 %, 1 false"),
        ([Verdict(3, 0, 3, 3, 0, 3)], "0 %, values only"),
        ([Verdict(3, 0, 1, 0, 1, 1)], "0 %, net"),
        ([Verdict(2, 2, 0, 2, 2, 2), Verdict(2, 0, 0, 0, 0, 2)], "50 %"),
        ([Verdict(2, 2, 0, 2, 2, 2), Crash("KeyError: 5")], "raises KeyError"),
    ],
)
def test_a_cell_says_what_came_of_a_case(outcomes: list[Any], said: str) -> None:
    """Complete is 100 % and nothing else is; what there was instead is named."""
    assert VERDICT.cell(outcomes) == said


@pytest.mark.parametrize("module", ["ordertrail_sqlalchemy", "unaudited"])
def test_the_cases_run_and_the_judge_tells_who_records(module: str, tmp_path: Path) -> None:
    """On SQLite we record every row of every case, and the application alone records none."""
    path = os.pathsep.join(str(ROOT / folder) for folder in ("", "tests", "src"))
    done = subprocess.run(
        [sys.executable, "-m", "bench.capture_peers.sqlalchemy_matrix", module, "sqlite", str(tmp_path)],
        cwd=ROOT, env={**os.environ, "PYTHONPATH": path}, capture_output=True, text=True, check=True,
    )  # fmt: skip
    lines = [json.loads(line) for line in done.stdout.splitlines()]
    assert len(lines) > 50
    for line in lines:
        expected = line["changed"] if module != "unaudited" else 0
        assert (line["right"], line["false"]) == (expected, 0), line["case"]


def test_the_published_page_has_every_case_and_library() -> None:
    """The cases that we publish of ourselves stand in the page, beside every library that takes part."""
    page = (REPORTS / "completeness-peers.md").read_text()
    for ours in ("completeness.md", "completeness-django.md"):
        assert cases_of((REPORTS / ours).read_text()) <= cases_of(page)
    heads = " | ".join(line for line in page.splitlines() if line.startswith("| way of changing rows"))
    for one in CATALOGUE.CONTESTANTS:
        for vendor in one.vendors:
            assert f"{one.title}, {CATALOGUE.VENDORS[vendor]}" in heads


def cases_of(page: str) -> set[str]:
    """Return what the rows of a page's tables begin with."""
    return {line.split(" | ")[0].removeprefix("| ") for line in page.splitlines() if line.startswith("| ")}
