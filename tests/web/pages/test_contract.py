"""No template reads what its typed context does not declare: a walk over the syntax tree of every template."""

import dataclasses
import importlib
import pkgutil
import types
import typing
from collections.abc import Iterator
from enum import Enum
from typing import Any

import pytest
from jinja2 import nodes

import ordertrail.web.pages
from ordertrail.kernel.errors import Problem
from ordertrail.web.pages import (
    access,
    accounts,
    charts,
    event,
    explore,
    intake,
    integrity,
    letter,
    order,
    orders,
    overview,
    patterns,
    people,
    person,
    problem,
    proving,
    reference,
    regions,
    rows,
    settings,
    shell,
    telling,
    unusual,
    views,
)
from ordertrail.web.pages.reading import Moment
from ordertrail.web.pages.rendering import LIBRARIES, environment

PAGES: dict[str, type] = {
    "access.html": access.AccessPage,
    "event.html": event.EventPage,
    "explore.html": explore.Explore,
    "help.html": reference.HelpPage,
    "intake.html": intake.IntakePage,
    "integrity.html": integrity.IntegrityPage,
    "letter.html": letter.LetterPage,
    "link.html": views.LinkPage,
    "order.html": order.OrderPage,
    "orders.html": orders.OrdersPage,
    "overview.html": overview.OverviewPage,
    "patterns.html": patterns.PatternsPage,
    "people.html": people.PeoplePage,
    "person.html": person.PersonPage,
    "problem.html": problem.ProblemPage,
    "settings.html": settings.SettingsPage,
    "verify.html": reference.VerifyPage,
    "views.html": views.ViewsPage,
}


def _pages_of_other_rooms() -> Iterator[tuple[str, type]]:
    """Yield the other templates with their contexts: ``alert.html`` is of ``AlertPage``, in any module of pages."""
    classes: dict[str, type] = {}
    for found in pkgutil.iter_modules(ordertrail.web.pages.__path__, "ordertrail.web.pages."):
        module = importlib.import_module(found.name)
        classes |= {
            name: one for name, one in vars(module).items() if isinstance(one, type) and name.endswith("Page")
        }
    for template in environment().list_templates(extensions=["html"]):
        name = template.removesuffix(".html").title().replace("_", "") + "Page"
        if template not in PAGES and name in classes:
            yield template, classes[name]


PAGES |= dict(_pages_of_other_rooms())

ROWS = tuple[rows.EventRow, ...]
MACROS: dict[str, dict[str, Any]] = {
    "moment": {"at": Moment, "ago": bool},
    "when": {"at": Moment},
    "sentence": {"pieces": tuple[telling.Piece, ...], "links": bool},
    "badge": {"standing": shell.Standing, "text": str, "href": str},
    "seal_chip": {"seal": shell.Seal},
    "notice": {"region": regions.Region[Any]},
    "region": {"region": regions.Region[Any], "id": str, "heading": bool},
    "value": {"shown": telling.Shown, "cls": str},
    "diff": {"rows": tuple[telling.Row, ...], "id": str, "caption": str},
    "bars": {"chart": charts.Chart, "id": str},
    "twin": {"chart": charts.Chart},
    "stat": {"one": overview.Stat},
    "copy": {"text": str, "label": str},
    "pager": {"links": rows.Links},
    "table": {"rows": ROWS, "id": str, "base": str, "open": str, "caption": str},
    "beside": {"shown": event.EventView},
    "event": {"shown": event.EventView, "drawer": bool},
    "steps": {"checked": proving.Checked},
    "rights": {
        "prefix": str,
        "roles": tuple[accounts.RoleChoice, ...],
        "tenants": str,
        "channels": str,
        "regions": str,
        "sees": bool,
    },
    "closings": {"rows": tuple[unusual.ClosedRow, ...], "caption": str},
    "parts": {"title": str, "values": tuple[person.Part, ...]},
}
"""What the macros' parameters are."""

FREE = {"loop", "icon", "static", "caller", "range", "self", *MACROS}
_PLAIN = (str, int, bool, float)


class Walk:
    """Follows every attribute that a template reads, by the types of what it is read from."""

    def __init__(self, template: str) -> None:
        self.template = template
        self.wrong: list[str] = []

    def run(self, tree: nodes.Node, known: dict[str, Any]) -> None:
        """Walk a node and all below it."""
        for node in tree.iter_child_nodes():
            match node:
                case nodes.Macro():
                    self.run(node, {**known, **MACROS.get(node.name, {})})
                case nodes.For():
                    of = self.type_of(node.iter, known)
                    self.run(nodes.Output([node.iter]), known)
                    inner = {**known, **self._targets(node.target, element(of)), "loop": Any}
                    for one in (*node.body, *node.else_):
                        self.run(nodes.Output([one]) if isinstance(one, nodes.Expr) else wrapped(one), inner)
                case nodes.Expr():
                    self.type_of(node, known)
                case _:
                    self.run(node, known)

    def _targets(self, target: nodes.Node, of: Any) -> dict[str, Any]:
        if isinstance(target, nodes.Name):
            return {target.name: of}
        assert isinstance(target, nodes.Tuple)
        parts = typing.get_args(of) or (Any,) * len(target.items)
        return {
            one.name: part
            for one, part in zip(target.items, parts, strict=False)
            if isinstance(one, nodes.Name)
        }

    def type_of(self, node: nodes.Node, known: dict[str, Any]) -> Any:
        """Return the type of an expression, and check all that it reads."""
        match node:
            case nodes.Name():
                if node.name not in known and node.name not in FREE:
                    self.wrong.append(f"{self.template}:{node.lineno} reads {node.name}")
                return known.get(node.name, Any)
            case nodes.Getattr():
                return self._attribute(node, self.type_of(node.node, known))
            case nodes.CondExpr():
                for one in (node.test, node.expr2):
                    if one is not None:
                        self.type_of(one, known)
                return self.type_of(node.expr1, known)
            case nodes.Getitem():
                return element(self.type_of(node.node, known))
            case _:
                for child in node.iter_child_nodes():
                    if isinstance(child, nodes.Expr | nodes.Helper):
                        self.type_of(child, known)
                return Any

    def _attribute(self, node: nodes.Getattr, of: Any) -> Any:
        found: list[Any] = []
        for one in alternatives(of):
            if one is Any:
                return Any
            found += [attribute(one, node.attr)]
        if not found or any(one is None for one in found):
            self.wrong.append(f"{self.template}:{node.lineno} reads .{node.attr} of {of}")
            return Any
        return found[0]


def wrapped(node: nodes.Node) -> nodes.Node:
    """Return a statement as something whose child it is."""
    return nodes.Scope([node])


def alternatives(of: Any) -> Iterator[Any]:
    """Yield what a type may be, None left out: a template asks before it reads."""
    if typing.get_origin(of) in {typing.Union, types.UnionType}:
        for one in typing.get_args(of):
            if one is not type(None):
                yield from alternatives(one)
    else:
        yield of


def element(of: Any) -> Any:
    """Return what is in a tuple of any length."""
    for one in alternatives(of):
        if typing.get_origin(one) is tuple:
            return typing.get_args(one)[0]
    return Any


def attribute(of: Any, name: str) -> Any:
    """Return the type of an attribute, None where there is none."""
    origin = typing.get_origin(of) or of
    if isinstance(origin, type) and issubclass(origin, Enum) and name == "value":
        return str
    if dataclasses.is_dataclass(origin):
        hints = typing.get_type_hints(origin)
        if name in hints:
            return substituted(hints[name], of)
    if isinstance(origin, type):
        member = getattr(origin, name, None)
        if isinstance(member, property):
            return typing.get_type_hints(member.fget).get("return", Any)
        if issubclass(origin, _PLAIN) and member is not None:
            return Any
    return None


def substituted(hint: Any, of: Any) -> Any:
    """Return a hint with a region's content in the place of its variable."""
    arguments = typing.get_args(of)
    for one in alternatives(hint):
        if isinstance(one, typing.TypeVar):
            return arguments[0] if arguments else Any
    return hint


def problems(template: str, page: Any) -> list[str]:
    """Return what a template reads that nobody declares."""
    env = environment()
    assert env.loader is not None
    source, _, _ = env.loader.get_source(env, template)
    walk = Walk(template)
    walk.run(env.parse(source), {"page": page, "shell": shell.Shell})
    return walk.wrong


@pytest.mark.parametrize("template", PAGES)
def test_a_template_reads_what_its_page_declares(template: str) -> None:
    """Promise: a field that is renamed, or was never there, is found before anybody opens the page."""
    assert problems(template, PAGES[template]) == []


@pytest.mark.parametrize("template", ["layout.html", *LIBRARIES])
def test_what_pages_share_reads_what_is_declared(template: str) -> None:
    """Promise: so do the layout and the parts."""
    assert problems(template, Any) == []


def test_every_template_has_its_page() -> None:
    """Promise: no template is forgotten here."""
    shared = {"layout.html", *LIBRARIES}
    assert set(environment().list_templates(extensions=["html"])) == shared | PAGES.keys()


def test_the_walk_finds_what_is_not_declared() -> None:
    """Promise: this test can fail."""
    walk = Walk("made-up")
    tree = environment().parse(
        "{{ page.problems }}{% for one in page.problems %}{{ one.path }}{{ one.nothing }}{% endfor %}{{ who }}"
    )
    walk.run(tree, {"page": explore.Explore})
    assert [said.partition(" ")[2] for said in walk.wrong] == [f"reads .nothing of {Problem}", "reads who"]
