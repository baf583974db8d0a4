"""What a statement's own values tell of the rows that it makes or changes, without asking the database."""

from collections.abc import Sequence
from typing import Any

from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.sql.asking import Parameters, value_of
from ordertrail.capture.sql.clauses import DEFAULT, EXPRESSION, Dml, Parameter
from ordertrail.capture.sql.readings import Watched
from ordertrail.capture.transaction import Pair
from ordertrail.capture.values import is_exact

UNTOLD = object()
"""Stands for a value that only the database can tell."""


def given_image(
    plan: TablePlan, dml: Dml, row: Sequence[Any], given: Parameters
) -> tuple[Image, Image | None]:
    """Return the image that an INSERT's values make, UNTOLD where only the database can tell, and its key."""
    names = dml.columns or tuple(column.name for column in plan.columns)
    values = dict(zip(names, row, strict=False))
    image, raw = [], []
    for column in plan.columns:
        value = values.get(column.name, DEFAULT)
        if isinstance(value, Parameter):
            value = value_of(given, value.slot)
        elif value is DEFAULT:
            value = UNTOLD if column.generated else None
        elif value is EXPRESSION:
            value = UNTOLD
        raw.append(value)
        exact = value is not UNTOLD and is_exact(column, value, dynamic=plan.dynamic)
        image.append(value if exact and not plan.table.triggers else UNTOLD)
    key = tuple(raw[place] for place in plan.key)
    return tuple(image), None if any(value is UNTOLD or value is None for value in key) else key


def given_keys(watched: Watched, names: Sequence[str], unique: Sequence[str]) -> list[Image]:
    """Return the values of a unique key's columns in an INSERT's rows, where each row has all of them."""
    if not set(unique) <= set(names):
        return []
    places = [names.index(name) for name in unique]
    keys = []
    for given in watched.sets:
        for row in watched.reading.dml.rows:
            values = [row[place] for place in places]
            key = tuple(value_of(given, one.slot) if isinstance(one, Parameter) else one for one in values)
            if DEFAULT not in key and None not in key:
                keys.append(key)
    return keys


def filled(plan: TablePlan, image: Image, key: Image | None) -> Image | None:
    """Return an image with its key put in; None where the key may not be as the driver has it."""
    values = list(image)
    for place, value in zip(plan.key, key or (None,) * len(plan.key), strict=True):
        if value is None or not is_exact(plan.columns[place], value, dynamic=plan.dynamic):
            return None
        values[place] = value
    return tuple(values)


def attempted_images(watched: Watched) -> list[Image]:
    """Return the images that an INSERT tried to make; what only the database would have told is None."""
    plan, dml = watched.plan, watched.reading.dml
    return [
        tuple(None if value is UNTOLD else value for value in given_image(plan, dml, row, given)[0])
        for given in watched.sets
        for row in dml.rows
    ]


def is_told(watched: Watched, given: Parameters) -> bool:
    """Say whether the values that an UPDATE sets are all that it changes, and just what the database keeps."""
    plan, dml = watched.plan, watched.reading.dml
    if plan.table.triggers or plan.computed:
        return False
    for name, value in dml.sets:
        if value is EXPRESSION or value is DEFAULT or name not in plan.index:
            return False
        told = value_of(given, value.slot) if isinstance(value, Parameter) else value
        if not is_exact(plan.columns[plan.index[name]], told, dynamic=plan.dynamic):
            return False
    return True


def tells_all(watched: Watched) -> bool:
    """Say whether what an UPDATE made of each row can be told from its values."""
    known = watched.by_key or len(watched.sets) == 1
    return known and all(is_told(watched, given) for given in watched.sets)


def computed_pairs(watched: Watched) -> list[Pair]:
    """Return the rows before and after an UPDATE whose values tell all; a row set twice is two pairs."""
    plan, dml = watched.plan, watched.reading.dml
    sets = [(watched.columns.index(plan.index[name]), value) for name, value in dml.sets]
    now = dict(watched.before)
    pairs = []
    for number, given in enumerate(watched.sets):
        values = [
            (place, value_of(given, value.slot) if isinstance(value, Parameter) else value)
            for place, value in sets
        ]
        keys = (watched.keys[number],) if watched.by_key else tuple(now)
        for key in keys:
            before = now.get(key) if key is not None else None
            if before is None or key is None:
                continue
            image = list(before)
            for place, value in values:
                image[place] = value
            now[key] = after = tuple(image)
            pairs.append(Pair(before, after))
    return pairs


def expected_rows(watched: Watched) -> int:
    """Return how many rows an UPDATE should say that it changed."""
    if watched.by_key:
        return sum(key in watched.before for key in watched.keys)
    return len(watched.before)


def by_key(plan: TablePlan, columns: Sequence[int], rows: Sequence[Image]) -> dict[Image, Image]:
    """Return images by their primary keys."""
    places = [columns.index(place) for place in plan.key]
    if len(places) == 1:
        (only,) = places
        return {(row[only],): row for row in rows}
    return {tuple(row[place] for place in places): row for row in rows}
