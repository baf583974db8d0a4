"""The reference says all that there is, and nothing that there is not."""

import importlib
import pkgutil
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer
from pydantic import BaseModel

import ordertrail
from docs.blocks import ROOT
from ordertrail.adapters.eventlogs import builtin_mappings
from ordertrail.cli.main import app
from ordertrail.kernel.errors import OrderTrailError
from ordertrail.ledger.verify.report import Step
from ordertrail.record.actions import CATALOGUE
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Link, Origin, Subject
from ordertrail.services import Trail
from ordertrail.settings import PollSettings, Settings
from ordertrail.settings.file import LISTS

REFERENCE = ROOT / "docs/reference"
SHARED = {"--help", "--json", "--stream", "--trail"}
_OPTION = re.compile(r"`(--[a-z0-9-]+)`")
_TELLING = 15
"""Characters from which on a part of a message is looked for."""


def sections(document: Path) -> dict[str, str]:
    """Return a document's sections of the second level by their headings."""
    parts = re.split(r"^## (.+)$", document.read_text(), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def verbs(command: Any, name: str = "") -> Iterator[tuple[str, set[str]]]:
    """Yield every verb and the options that it has."""
    inner = getattr(command, "commands", None)
    if inner is None:
        yield (
            name,
            {text for one in command.params for text in (*one.opts, *one.secondary_opts) if text[0] == "-"},
        )
    else:
        for word, one in inner.items():
            yield from verbs(one, f"{name} {word}".strip())


VERBS = dict(verbs(typer.main.get_command(app)))


@pytest.mark.parametrize("verb", VERBS)
def test_every_option_of_a_verb_is_documented_and_no_other(verb: str) -> None:
    """Whoever reads a verb's section knows all its options, and can use each of them."""
    section = sections(REFERENCE / "command-line.md")[verb]
    listed = {
        name
        for row in section.split("\n")
        if row.startswith(("| `-", "Options:"))
        for name in _OPTION.findall(row)
    }
    assert listed == VERBS[verb] - {"--help"}


def test_every_verb_is_documented_and_no_other() -> None:
    """The command line's sections are its verbs, and one about what all share."""
    documented = sections(REFERENCE / "command-line.md")
    shared = documented.pop("What all verbs share")
    assert set(documented) == set(VERBS)
    assert set(re.findall(r"^\| `(--[a-z]+)`", shared, re.MULTILINE)) == SHARED
    root = typer.main.get_command(app)
    assert {text for one in root.params for text in one.opts} <= set(_OPTION.findall(shared))


def test_every_action_is_documented_as_it_is() -> None:
    """The list of actions is the catalogue: names, phrases and marks."""
    rows = re.findall(
        r"^\| `([a-z_.]+)` \| (.+?) \| (yes)? ?\|$", (REFERENCE / "actions.md").read_text(), re.MULTILINE
    )
    documented = {name: (phrase, bool(mark)) for name, phrase, mark in rows}
    assert documented == {name: (action.phrase, action.sensitive) for name, action in CATALOGUE.items()}


def test_every_setting_is_documented_and_no_other() -> None:
    """What trail.toml may hold stands in the settings' table."""
    table = sections(REFERENCE / "settings.md")["trail.toml"]
    assert set(re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)) == set(every_setting())


def test_every_setting_of_asking_is_documented_and_no_other() -> None:
    """What [sources.poll] may hold stands in a table of its own."""
    table = sections(REFERENCE / "settings.md")["Sources that are asked"]
    assert set(re.findall(r"^\| `([\w.]+)` \|", table, re.MULTILINE)) == set(PollSettings.model_fields)


def every_setting() -> Iterator[str]:
    """Yield each setting's name, with its section before it."""
    for name, field in Settings.model_fields.items():
        section: type[Any] = LISTS.get(name, type(field.default))
        if issubclass(section, BaseModel):
            yield from (f"{name}.{inner}" for inner in section.model_fields)
        else:
            yield name


def test_every_environment_variable_is_documented_and_no_other() -> None:
    """The product reads no variable that the settings do not name."""
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    # With two underscores it is a setting, and stands in the table of settings.
    read = {name for name in re.findall(r"ORDERTRAIL_[A-Z_]+[A-Z]", sources) if "__" not in name}
    table = sections(REFERENCE / "settings.md")["Environment variables"]
    assert set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)) == read


def modules() -> Iterator[Any]:
    """Yield every module of the product but the tools for its tests."""
    for found in pkgutil.walk_packages(ordertrail.__path__, "ordertrail."):
        # The Django app can be imported by a configured Django project only.
        if not found.name.startswith(("ordertrail.testing", "ordertrail.capture.django")):
            yield importlib.import_module(found.name)


def test_every_error_is_documented() -> None:
    """Each class of error that can leave a room stands in the errors' page, in its place of the tree."""
    text = (REFERENCE / "errors.md").read_text()
    errors = {
        value
        for module in modules()
        for name, value in vars(module).items()
        if isinstance(value, type)
        and issubclass(value, Exception)
        and value.__module__.startswith("ordertrail")
        if not name.startswith("_")
    }
    assert len(errors) > 6
    for error in errors:
        assert f"`{error.__name__}`" in text, error
        if issubclass(error, OrderTrailError):
            assert re.search(rf"^[│├└─ ]*{error.__name__}\b", text, re.MULTILINE), error
    named = set(re.findall(r"`(\w+Error)`", text)) - {"ValueError"}
    assert named == {error.__name__ for error in errors}


def test_every_public_part_of_a_trail_is_documented() -> None:
    """The Python API's page has every method and field of a trail."""
    text = (REFERENCE / "python-api.md").read_text()
    for name in vars(Trail):
        if not name.startswith("_"):
            assert re.search(rf"`{name}[(`]", text), name
    for name in ("open", "create"):
        assert f"`ordertrail.{name}(" in text


@pytest.mark.parametrize("part", [Event, Actor, Subject, Change, Context, Cause, Link, Origin])
def test_every_field_of_an_event_is_documented(part: Any) -> None:
    """Each field stands in the table of its part."""
    fields = sections(REFERENCE / "events.md")["Fields"]
    tables = (
        {}
        if part is Event
        else dict(re.findall(r"^\| (\w+) \|(.*?)(?:\n\n|\Z)", fields, re.MULTILINE | re.DOTALL))
    )
    table = fields if part is Event else tables[part.__name__.lower()]
    for name in part.__struct_fields__:
        assert f"`{name}`" in table, (part, name)


def test_the_six_steps_are_named_alike() -> None:
    """Architecture and handbook number and name the steps as reports do."""
    for document in ("docs/explain/architecture.md", "docs/handbook/auditor.md"):
        text = (ROOT / document).read_text()
        for step in Step:
            assert f"| {step.number} {step.label} |" in text, (document, step)


@pytest.mark.parametrize("name", ["when-verify-says-broken.md", "keep-a-checkpoint-elsewhere.md"])
def test_messages_that_are_quoted_are_the_product_s(name: str) -> None:
    """Whoever looks a message up finds it as it is printed; numbers and names in it may be any."""
    sources = "".join(path.read_text() for path in (ROOT / "src").rglob("*.py"))
    said = re.sub(r'"\n\s*f?"', "", sources)
    quoted = re.findall(r"(?<!\*)\*([^*\n]+)\*(?!\*)", (ROOT / "docs/howto" / name).read_text())
    assert quoted
    for message in quoted:
        for part in re.split(r"…|\d+|\b[A-Z]+\b", message.strip('"')):
            assert len(part) < _TELLING or part.strip() in said, message


def test_every_shipped_mapping_is_named() -> None:
    """Whoever has such a log learns that a mapping for it ships."""
    text = (ROOT / "docs/howto/import-an-event-log.md").read_text()
    for name in builtin_mappings():
        assert f"`{name}`" in text
