"""The page about validation has every key, fact, function, shipped rule and scheme, and nothing that is not there."""

import re

import msgspec

from docs.blocks import ROOT
from intake.rules.cases import order
from ordertrail.intake.rules import rulebook
from ordertrail.intake.rules.checks import FUNCTIONS, found_in
from ordertrail.intake.rules.expressions import NAMES
from ordertrail.intake.signatures.catalogue import SCHEMES
from ordertrail.kernel.money import Money
from ordertrail.orders.lines import Price

TEXT = (ROOT / "docs/reference/validation.md").read_text()


def first_cells(head: str) -> list[str]:
    """Return the words in the first cells of the table with this head."""
    table = TEXT.split(head, 1)[1].split("\n\n")[0]
    return [
        word
        for row in table.split("\n")
        for word in re.findall(r"`(\w[\w-]*)", row.split("|")[1] if "|" in row else "")
    ]


def test_shipped_rules() -> None:
    """Each with its severity, in the order of the file."""
    rows = re.findall(r"^\| `([\w-]+)` \| (reject|hold|warn) \|", TEXT, re.MULTILINE)
    assert rows == [(rule.id, str(rule.severity)) for rule in rulebook.shipped().rules]


def test_keys_names_facts_functions_and_schemes() -> None:
    """Every word that a rulebook or a source's settings may use."""
    assert set(first_cells("| key of a rule | is |\n")) == rulebook.KEYS
    assert set(first_cells("| name | is |\n")) == NAMES | {"limit"}
    assert first_cells("| function | says whether |\n") == list(FUNCTIONS)
    (line,) = order().lines
    listed = msgspec.structs.replace(line, list_price=Price(amount=Money(1, "EUR"), per="1"))
    found = found_in(order(lines=(listed,)), ())
    assert set(found) == set(first_cells("| of `found` | is |\n"))
    assert re.findall(
        r"^\| `([\w-]+)` \| [^|]*(?:`|in )[^|]*\| [^|]+ \| [^|]+ \|$", TEXT, re.MULTILINE
    ) == list(SCHEMES)
