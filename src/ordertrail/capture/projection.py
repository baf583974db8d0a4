"""Some columns of a table, as a statement's rows are read: where in them everything stands that telling them needs.

What is settled here is settled once for a table and a set of its columns, and not again for each row or statement.
"""

from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any, NamedTuple

Image = tuple[Any, ...]
"""A row's values, as the driver has them, in the order of some of its table's columns."""


class Placed(NamedTuple):
    """Where a row's order, subject and tenant stand, in its table or in an image; None where it has none."""

    order: int | None
    subject: int | None
    tenant: int | None


class Projection:
    """A table's columns, by their places in it, in the order in which a row's image has them."""

    __slots__ = ("_pickers", "columns", "key", "key_places", "pick", "place", "placed", "plain", "recorded")

    def __init__(
        self,
        columns: tuple[int, ...],
        *,
        key: tuple[int, ...],
        recorded: tuple[int, ...],
        hidden: frozenset[int],
        placed: Placed | None,
    ) -> None:
        """Take columns, and of their table the key's, those that are recorded, and those whose values need work.

        ``placed``: the columns that tell an order, a subject and a tenant; None where something else tells one.
        """
        self.columns = columns
        self.place = {column: place for place, column in enumerate(columns)}
        self.recorded = tuple(column for column in columns if column in recorded)
        self.pick = picker(columns, self.recorded)
        self.key_places = tuple(self.place[column] for column in key if column in self.place)
        self.key = picker(columns, key) if len(self.key_places) == len(key) else None
        self.placed = self._placed(placed)
        self._pickers: dict[tuple[int, ...], Callable[[Image], Image]] = {self.recorded: self.pick}
        self.plain = hidden.isdisjoint(self.recorded)
        """Whether the recorded values are told as they are: nothing is to be hidden, sealed or worked upon."""

    def _placed(self, told_by: Placed | None) -> Placed | None:
        """Return where order, subject and tenant stand; None where another row tells one, or a column not read."""
        if told_by is None or not {*told_by} <= {None, *self.columns}:
            return None
        return Placed(*[None if column is None else self.place[column] for column in told_by])

    def picker(self, wanted: tuple[int, ...]) -> Callable[[Image], Image]:
        """Return a function that takes some of the columns out of an image; made once."""
        known = self._pickers.get(wanted)
        if known is None:
            known = self._pickers[wanted] = picker(self.columns, wanted)
        return known

    def by_key(self, rows: Sequence[Image]) -> dict[Image, Image]:
        """Return images by their primary keys."""
        if len(self.key_places) == 1:
            (only,) = self.key_places
            return {(row[only],): row for row in rows}
        places = self.key_places
        return {tuple([row[place] for place in places]): row for row in rows}


def picker(columns: tuple[int, ...], wanted: tuple[int, ...]) -> Callable[[Image], Image]:
    """Return a function that takes some columns' values out of an image, as a tuple."""
    if columns == wanted:
        return _whole
    places = [columns.index(place) for place in wanted]
    if len(places) == 1:
        only = places[0]
        return lambda image: (image[only],)
    return itemgetter(*places) if places else _nothing


def pick_all(columns: tuple[int, ...], wanted: tuple[int, ...], images: Sequence[Image]) -> list[Image]:
    """Return what :func:`picker` takes out of each of many images, without a call of ours for each."""
    if columns == wanted:
        return list(images)
    places = [columns.index(place) for place in wanted]
    if len(places) == 1:
        return list(zip(map(itemgetter(places[0]), images)))
    return list(map(itemgetter(*places), images)) if places else [()] * len(images)


def _whole(image: Image) -> Image:
    return image


def _nothing(_image: Image) -> Image:
    return ()
