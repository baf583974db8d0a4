"""Links lead somewhere, and what is named is there."""

import re
from pathlib import Path

import pytest

from docs.blocks import ROOT

DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
_LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)", re.DOTALL)
_FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
_NAMED = re.compile(
    r"`((?:src|docs|tests|tools|bench|requirements|\.ci)/[\w./-]*|[\w-]+\.md|Makefile|pyproject\.toml)`"
)
_MODULE = re.compile(r"`(ordertrail(?:\.\w+)+)")


def prose(document: Path) -> str:
    """Return a document without its fenced blocks."""
    return _FENCED.sub("", document.read_text())


def anchors(document: Path) -> set[str]:
    """Return what a link into a document may name: its headings as GitHub writes them."""
    headings = re.findall(r"^#+ (.+)$", prose(document), re.MULTILINE)
    return {re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_links_within_the_project_resolve(document: Path) -> None:
    """No reader ends at nothing."""
    for target in _LINK.findall(prose(document)):
        if target.startswith("https://"):
            continue
        path, _, anchor = target.partition("#")
        found = (document.parent / path).resolve() if path else document
        assert found.exists(), target
        assert ROOT in found.parents, target
        if anchor:
            assert anchor in anchors(found), target


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_files_and_modules_that_are_named_exist(document: Path) -> None:
    """A file or module that a document names is in the project."""
    for name in _NAMED.findall(prose(document)):
        assert (ROOT / name).exists(), name
    for name in _MODULE.findall(document.read_text()):
        path = ROOT / "src" / name.replace(".", "/")
        parent = path.parent
        known = (path.with_suffix(".py"), path, parent.with_suffix(".py"), parent / "__init__.py")
        assert any(one.exists() for one in known), name


def test_every_document_can_be_reached_from_the_readme() -> None:
    """No page lies where nobody finds it."""
    reached, open_ = set(), [ROOT / "README.md"]
    while open_:
        document = open_.pop()
        if document in reached or document.suffix != ".md":
            continue
        reached.add(document)
        targets = (target.partition("#")[0] for target in _LINK.findall(prose(document)))
        open_ += [
            (document.parent / target).resolve() for target in targets if target and "://" not in target
        ]
    assert set(DOCUMENTS) <= reached


def test_decisions_are_numbered_without_a_gap() -> None:
    """Decisions are cited by number."""
    names = sorted(path.name for path in (ROOT / "docs/decisions").glob("*.md"))
    assert [name[:4] for name in names] == [f"{number:04}" for number in range(1, len(names) + 1)]
    for name in names:
        text = (ROOT / "docs/decisions" / name).read_text()
        assert text.startswith(f"# {name[:4]}: ")
        assert re.search(r"^\d{4}-\d\d-\d\d · ", text, re.MULTILINE)
