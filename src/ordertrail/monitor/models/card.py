"""A model card: what whoever relies on a model must know.

The sections are those of Mitchell et al., "Model Cards for Model Reporting" (2019), as far as they are not figures of
the record itself.
"""

from dataclasses import dataclass, fields
from typing import Final

from ordertrail.kernel.errors import InputError, Problem

LONGEST: Final = 2_000
"""Characters of the longest section: an entry of the log holds them all."""


@dataclass(frozen=True, slots=True)
class Card:
    """The sections that the maker of a model writes. Plain text; all but the last two must say something.

    ``title``: what it is, in a line. ``intended``: what it is for, and what it must not be used for. ``data``: what it
    learned from and what was left out. ``method``: how. ``evaluation``: on what it was measured. ``limits``: where it
    fails, and what was not measured. ``people``: whom its answers may touch, and which law that may touch.
    ``oversight``: who decides, and how it is switched off.
    """

    title: str
    intended: str
    data: str
    method: str
    evaluation: str
    limits: str
    people: str = "It scores orders, not people."
    oversight: str = "People decide on what it says; retiring it switches it off."

    def __post_init__(self) -> None:
        problems = []
        for one in fields(self):
            length = len(getattr(self, one.name).strip())
            if not length:
                problems.append(
                    Problem(f"card.{one.name}", "is empty; whoever relies on the model must know")
                )
            elif length > LONGEST:
                problems.append(
                    Problem(f"card.{one.name}", f"has {length:,} characters; {LONGEST:,} are enough")
                )
        if problems:
            raise InputError(problems)

    def sections(self) -> dict[str, str]:
        """Return the sections by name."""
        return {one.name: getattr(self, one.name).strip() for one in fields(self)}


def card_of(sections: dict[str, str]) -> Card:
    """Read a card's sections back."""
    return Card(**{one.name: sections[one.name] for one in fields(Card) if one.name in sections})
