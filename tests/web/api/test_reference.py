"""What is documented is what is there: each address with its parameters and its verb, each kind of problem."""

import re
from pathlib import Path

from fastapi.routing import iter_route_contexts

from ordertrail.web.api.models.problem import TYPE_PREFIX
from ordertrail.web.api.problems import STATUS
from ordertrail.web.api.recording import OWN
from ordertrail.web.api.routes import PREFIX, router
from ordertrail.web.api.tiles import open_router
from ordertrail.web.auth.admission import Admission, guards

TEXT = (Path(__file__).resolve().parents[3] / "docs/reference/api.md").read_text()
ROWS = dict(re.findall(r"^\| `((?:GET|POST) /[^`]+)` \|(.*)$", TEXT, re.MULTILINE))


def test_each_address_is_documented() -> None:
    """With its parameters and the verb that it takes; and nothing is documented that is not there."""
    known = set()
    for route in iter_route_contexts(router.routes):
        if len(route.methods or ()) != 1:
            continue  # the last one, which tells that there is no such address
        name = f"{next(iter(route.methods or ()))} {(route.path or '').removeprefix(PREFIX)}".replace(
            ":path", ""
        )
        known.add(name)
        (guard,) = guards(route)
        assert isinstance(guard, Admission)
        assert f"`{guard.verb}`" in ROWS[name], name
        for parameter in route.dependant.query_params:
            assert f"`{parameter.alias}`" in ROWS[name], (name, parameter.alias)
    tiles = {f"GET {route.path}".replace(":path", "") for route in iter_route_contexts(open_router.routes)}
    assert all(f"`{name}`" in TEXT for name in tiles)
    assert set(ROWS) - known <= tiles


def test_each_kind_of_problem_is_documented() -> None:
    """With its status."""
    for kind, status in STATUS.items():
        row = re.search(rf"^\| `{TYPE_PREFIX}{kind}` \| ([^|]*) \|", TEXT, re.MULTILINE)
        assert row is not None, kind
        assert str(status.value) in row[1], kind


def test_each_family_that_cannot_be_recorded_is_documented() -> None:
    """By its name."""
    told = TEXT.partition("Families of actions")[2].partition(".")[0]
    assert set(re.findall(r"`([a-z]+)`", told)) == OWN
