"""Nothing is open by mistake: every address has exactly one guard, and asks for evidence only within bounds."""

import ast
import inspect
from dataclasses import fields
from pathlib import Path

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.routing import iter_route_contexts

import ordertrail.web
from access.desk import Desk
from ordertrail.access.verbs import Verb
from ordertrail.query.ports import Analytics, Counts, Index, LogReader, Searches
from ordertrail.query.questions.orders import OrderReader
from ordertrail.query.service import Query
from ordertrail.web.auth import routes, scoping
from ordertrail.web.auth.admission import Admission, admit, guards, public, unguarded
from web.auth.site import make_site

WEB = Path(ordertrail.web.__file__).parent


def test_every_address_of_access_has_one_guard() -> None:
    """Those that everybody opens are named here, one by one."""
    assert not unguarded(routes.router.routes)
    opened = {
        (route.path, tuple(sorted(route.methods or ())))
        for route in iter_route_contexts(routes.router.routes)
        if guards(route) == [public]
    }
    assert opened == {
        ("/sign-in", ("GET",)), ("/sign-in", ("POST",)), ("/sign-in/invitation", ("GET",)),
        ("/sign-in/invitation", ("POST",)), ("/sign-out", ("GET",)), ("/sign-out", ("POST",)),
        ("/oidc/depart", ("GET",)), ("/oidc/arrive", ("GET",)), ("/me", ("GET",)),
    }  # fmt: skip


def test_an_address_without_a_guard_or_with_two_is_found() -> None:
    """Also where it stands deep in another dependency."""
    router = APIRouter()

    def deep(_who: object = Depends(admit(Verb.EVENTS_SEARCH))) -> None: ...

    @router.get("/none")
    def none() -> None: ...

    @router.get("/two", dependencies=[Depends(public), Depends(admit(Verb.EVENTS_SEARCH))])
    def two() -> None: ...

    @router.get("/deep", dependencies=[Depends(deep)])
    def one() -> None: ...

    app = FastAPI(openapi_url=None, docs_url=None, redoc_url=None)
    app.include_router(router, prefix="/in", dependencies=[Depends(admit(Verb.EVENTS_SEARCH))])
    assert [route.path for route in unguarded(router.routes)] == ["/none", "/two"]
    assert [route.path for route in unguarded(app.routes)] == ["/in/two", "/in/deep"]
    (found,) = guards(list(iter_route_contexts(router.routes))[-1])
    assert isinstance(found, Admission)
    assert found.verb is Verb.EVENTS_SEARCH


def test_an_applications_guards_stand_in_its_description() -> None:
    """OpenAPI names the two ways to be known for an address that is guarded."""
    app: FastAPI = make_site(Desk())
    told = app.openapi()
    assert told["paths"]["/events"]["get"]["security"] == [{"apiKey": []}, {"session": []}]
    assert "security" not in told["paths"]["/healthz"]["get"]
    assert told["components"]["securitySchemes"]["apiKey"]["scheme"] == "bearer"


PORTS = {
    "index": (Index, scoping._ReadOnly),
    "searches": (Searches, scoping._Searches),
    "counts": (Counts, scoping._Counts),
    "log": (LogReader, scoping._Log),
    "orders": (OrderReader, scoping._Orders),
    "analytics": (Analytics, scoping._Analytics),
}
HARMLESS = {"streams", "actions", "clock"}


def test_every_part_of_a_query_is_bound() -> None:
    """A part that is added to a query is bound too, or this fails."""
    assert {one.name for one in fields(Query)} == PORTS.keys() | HARMLESS


@pytest.mark.parametrize("name", PORTS)
def test_every_question_of_a_port_is_bound(name: str) -> None:
    """A question that is added to a port is bound too; one that is not fails loudly, and answers nothing."""
    port, bound = PORTS[name]
    asked = {one for one, _ in inspect.getmembers(port, inspect.isfunction) if not one.startswith("_")}
    assert asked == {
        one for one, _ in inspect.getmembers(bound, inspect.isfunction) if not one.startswith("_")
    }


def _sources() -> list[Path]:
    return [
        path
        for folder in ("api", "pages")
        if (WEB / folder).is_dir()
        for path in (WEB / folder).rglob("*.py")
    ]


@pytest.mark.parametrize("path", _sources(), ids=lambda path: str(path.relative_to(WEB)))
def test_no_address_reads_what_access_keeps_by_itself(path: Path) -> None:
    """Stores of access are asked by its own parts alone, which look at who asks."""
    parts = {"recognising", "entrance", "people", "keyring", "factors", "glass"}
    for node in ast.walk(ast.parse(path.read_text())):
        if (
            isinstance(node, ast.Attribute)
            and isinstance(node.value, ast.Attribute)
            and node.value.attr in parts
        ):
            assert node.attr not in {"accounts", "sessions", "tickets", "attempts", "keys"}, node.lineno
