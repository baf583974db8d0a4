"""What a statement's own values tell of the rows that it makes or changes, without asking the database."""

from collections.abc import Sequence
from typing import Any

from ordertrail.capture.plan import Image, TablePlan
from ordertrail.capture.sql.asking import Parameters, value_of
from ordertrail.capture.sql.dml import DEFAULT, Parameter
from ordertrail.capture.sql.readings import UNTOLD, Given, Watched
from ordertrail.capture.transaction import Pair
from ordertrail.capture.values import is_exact


def given_image(plan: TablePlan, row: Sequence[Given], parameters: Parameters) -> tuple[Image, Image | None]:
    """Return the image that an INSERT's values make, UNTOLD where only the database can tell, and its key."""
    raw = [_value(one, parameters) for one in row]
    key = tuple([raw[place] for place in plan.key])
    if plan.table.triggers:
        image: Image = (UNTOLD,) * len(raw)
    else:
        types, columns, dynamic = plan.exact_types, plan.columns, plan.dynamic
        image = tuple(
            [
                value
                if type(value) in types[place]
                or (value is not UNTOLD and is_exact(columns[place], value, dynamic=dynamic))
                else UNTOLD
                for place, value in enumerate(raw)
            ]
        )
    return image, None if UNTOLD in key or None in key else key


def _value(given: Given, parameters: Parameters) -> Any:
    return given.value if given.slot is None else parameters[given.slot]  # type: ignore[index]


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
    return [
        tuple(None if value is UNTOLD else value for value in given_image(watched.plan, row, given)[0])
        for given in watched.sets
        for row in watched.reading.rows
    ]


def is_told(watched: Watched, given: Parameters) -> bool:
    """Say whether the values that an UPDATE sets are all that it changes, and just what the database keeps."""
    plan, sets = watched.plan, watched.reading.sets
    if sets is None:
        return False
    for one in sets:
        value = _value(one, given)
        if type(value) not in plan.exact_types[one.place] and not is_exact(
            plan.columns[one.place], value, dynamic=plan.dynamic
        ):
            return False
    return True


def tells_all(watched: Watched) -> bool:
    """Say whether what an UPDATE made of each row can be told from its values."""
    known = watched.by_key or len(watched.sets) == 1
    return known and all(is_told(watched, given) for given in watched.sets)


def computed_pairs(watched: Watched) -> list[Pair]:
    """Return the rows before and after an UPDATE whose values tell all; a row set twice is two pairs."""
    where = watched.plan.projection(watched.columns).place
    sets = [(where[one.place], one) for one in watched.reading.sets or ()]
    now = dict(watched.before)
    pairs: list[Pair] = []
    for number, given in enumerate(watched.sets):
        values = [(place, _value(one, given)) for place, one in sets]
        for key in (watched.keys[number],) if watched.by_key else tuple(now):
            before = now.get(key) if key is not None else None
            if before is None or key is None:
                continue
            image = list(before)
            for place, value in values:
                image[place] = value
            now[key] = after = tuple(image)
            pairs.append((before, after))
    return pairs


def expected_rows(watched: Watched) -> int:
    """Return how many rows an UPDATE should say that it changed."""
    if watched.by_key:
        return sum(key in watched.before for key in watched.keys)
    return len(watched.before)


def by_key(plan: TablePlan, columns: Sequence[int], rows: Sequence[Image]) -> dict[Image, Image]:
    """Return images by their primary keys."""
    return plan.projection(tuple(columns)).by_key(rows)
