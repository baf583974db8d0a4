"""The house's rules on size and names, which rot at the tail."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FILES = sorted(
    path
    for folder in ("src", "tests", "bench", "tools")
    for path in (ROOT / folder).rglob("*.py")
    if ".venv" not in path.parts
)
LONGEST_FILE = 600
LONGEST_FUNCTION = 80
NO_ROOMS = {"utils", "util", "helpers", "helper", "manager", "base", "common", "misc"}


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_functions_stay_small(path: Path) -> None:
    """No file grows past 600 lines, no function past 80."""
    text = path.read_text()
    assert text.count("\n") <= LONGEST_FILE
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST_FUNCTION, node.name


def test_no_file_is_named_after_nothing() -> None:
    """A name says what is inside; these say nothing."""
    assert not [
        path for path in FILES if path.stem in NO_ROOMS or NO_ROOMS & set(path.relative_to(ROOT).parts)
    ]
