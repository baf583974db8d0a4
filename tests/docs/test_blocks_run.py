"""Every command, program and output that a document shows is what a reader gets."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from docs.blocks import ROOT, Runner, expect, read_blocks

DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
WITH_BLOCKS = [document for document in DOCUMENTS if any(block.runs for block in read_blocks(document))]


@pytest.fixture
def folder(tmp_path: Path) -> Iterator[Path]:
    """A fresh directory that can be removed afterwards, whatever a document did to it."""
    yield tmp_path
    if chattr := shutil.which("chattr"):
        subprocess.run([chattr, "-R", "-f", "-i", str(tmp_path)], check=False, stderr=subprocess.DEVNULL)


@pytest.mark.parametrize("document", WITH_BLOCKS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_document_s_blocks_run_and_print_what_is_shown(document: Path, folder: Path) -> None:
    """Whoever types what a document shows, in an empty directory, sees what it shows."""
    runner = Runner(folder)
    for block in read_blocks(document):
        runner.run(block)
    if runner.missing:
        message = "; ".join(runner.missing)
        assert os.environ.get("CI") != "true", message
        pytest.skip(message)


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_block_that_is_not_run_says_why(document: Path) -> None:
    """No example is quietly left out of the tests."""
    for block in read_blocks(document):
        assert block.order != "not run" or block.detail, block.place
        assert block.language, f"{block.place} names no language"


def test_readme_tutorial_and_how_tos_are_run() -> None:
    """The documents that a reader types from are among those that are run."""
    typed = {ROOT / "README.md", ROOT / "docs/tutorial.md", *(ROOT / "docs/howto").glob("*.md")}
    assert typed <= set(WITH_BLOCKS)


def test_what_is_shown_and_not_printed_is_found() -> None:
    """The comparison would notice: another number, a missing line, a line too many."""
    expect("", "Recorded 3 events; …", "Recorded 3 events; sealed 3, the log has 3.\n")
    expect("", "…\nlast", "first\nsecond\nlast\n")
    for shown, printed in (("3 events", "4 events"), ("a\nb", "a"), ("a", "a\nb"), ("a\n…", "b\na")):
        with pytest.raises(AssertionError):
            expect("", shown, printed)
