"""What correlation has is documented: every provider, fact, discrepancy and setting."""

from pathlib import Path

from ordertrail.correlate.facts import FactKind
from ordertrail.correlate.provider import BUILT_IN, asking_of, open_provider
from ordertrail.correlate.providers.mapped import parse_mapping
from ordertrail.correlate.reconciling.rules import Kind
from ordertrail.settings.correlate import CorrelateSettings, ProviderPollSettings, ProviderSettings

_DOCS = Path(__file__).resolve().parents[2] / "docs"


def test_every_provider_and_fact_is_in_the_reference() -> None:
    """Each provider has its row, with the scheme that it signs by; each fact has its row."""
    text = (_DOCS / "reference/providers.md").read_text()
    for name in BUILT_IN:
        row = next(line for line in text.splitlines() if line.startswith(f"| `{name}` |"))
        assert f"`{open_provider(name).signature}`" in row
    for kind in FactKind:
        place = "a parcel" if kind.of_parcel else "a payment"
        assert f"| `{kind}` | {place} |" in text


def test_every_list_that_is_asked_is_in_the_reference() -> None:
    """Each provider has a row of how it is asked: each path of a list, or that there is none; and each setting."""
    text = (_DOCS / "reference/providers.md").read_text().split("## Lists that are asked")[1]
    for name in BUILT_IN:
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{name}` | ")][:1]
        asking = asking_of(name)
        paths = [] if asking is None else [listing.path for listing in asking.lists]
        assert all(path in row for path in paths)
        assert ("not at all" in row) == (asking is None)
    for setting in ProviderPollSettings.model_fields:
        assert f"`{setting}`" in text


def test_every_discrepancy_is_explained() -> None:
    """Each kind of discrepancy has its row: where it is found, and what is at risk."""
    text = (_DOCS / "howto/reconcile.md").read_text()
    for kind in Kind:
        assert f"| `{kind}` |" in text


def test_the_mapping_that_is_shown_is_one() -> None:
    """The mapping of the reference is read as it stands."""
    text = (_DOCS / "reference/providers.md").read_text()
    mapping = text.split("<!-- file: acme.toml -->\n```toml\n")[1].split("```")[0]
    assert parse_mapping(mapping).words["paid"] is FactKind.CAPTURED


def test_every_setting_says_what_it_means() -> None:
    """Each setting of the section and of an account has a sentence of its own."""
    source = (Path(__file__).resolve().parents[2] / "src/ordertrail/settings/correlate.py").read_text()
    for section in (CorrelateSettings, ProviderSettings, ProviderPollSettings):
        for name in section.model_fields:
            after = source.split(f"    {name}: ", 1)[1].split("\n", 1)[1]
            assert after.lstrip().startswith('"""')
