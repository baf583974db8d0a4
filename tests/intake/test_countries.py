"""Countries by their three letters are those of the standard."""

import pycountry
import pytest

from ordertrail.intake.countries import BY_THREE_LETTERS
from ordertrail.intake.document import Document
from ordertrail.intake.parts import country_of


def test_all_countries_are_there() -> None:
    """Each has the two letters that another list of ISO 3166-1 gives it."""
    assert {one.alpha_3: one.alpha_2 for one in pycountry.countries} == BY_THREE_LETTERS


@pytest.mark.parametrize(
    ("written", "read"), [("DE", "DE"), ("de", "DE"), ("USA", "US"), ("mex", "MX"), (" DEU ", "DE")]
)
def test_a_code_is_read_however_it_is_written(written: str, read: str) -> None:
    """With two letters or three, small or large."""
    node = Document({"country": written}).root
    assert country_of(node, "country") == read
    assert not node.rest("shop")


@pytest.mark.parametrize("written", ["Germany", "XYZ", "***"])
def test_what_is_no_code_is_kept(written: str) -> None:
    """It is an extension, and no fault."""
    document = Document({"country": written})
    node = document.root
    assert country_of(node, "country") is None
    assert [one.value for one in node.rest("shop")] == [written]
    assert not document.faults
