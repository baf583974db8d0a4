"""From a typed context to a page: the only place that knows the template engine.

A template reads two names: ``page``, its context, and ``shell``, what stands around it; it is held to that by a test
over its syntax tree. A request may ask for one block of a page (``?region=facets``): the address is the page's own, so
that what a script loads is what a person without scripts reads.
"""

from dataclasses import dataclass
from functools import cache
from typing import Any, Final

from fastapi import Request
from jinja2 import Environment, PackageLoader, StrictUndefined
from jinja2.runtime import Macro
from markupsafe import Markup, escape
from starlette.responses import HTMLResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.kernel.errors import InputError
from ordertrail.web.pages import assets
from ordertrail.web.pages.shell import Shell, shell_of

LIBRARIES: Final = ("components.html", "events.html")
"""Templates of parts, which all pages may use."""


@dataclass(frozen=True, slots=True)
class View:
    """Which template, under which title, and what stands in the search box of the top bar."""

    template: str
    title: str
    search: str = ""
    status: int = 200
    whole: bool = False
    """Whether it is shown whole, even where a part of the page that failed was asked for."""


def render(request: Request, who: Principal | None, view: View, page: Any) -> Response:
    """Answer with a page, or with the one block of it that is asked for by ``region``."""
    template = environment().get_template(view.template)
    region = request.query_params.get("region")
    shell = shell_of(request, who, view.title, view.search)
    values = {"page": page, "shell": shell}
    if region is not None and not view.whole:
        if region not in template.blocks:
            raise InputError(f"there is no part {region[:40]!r} of this page")
        context = template.new_context(values)
        return HTMLResponse("".join(template.blocks[region](context)), view.status)
    return HTMLResponse(template.render(values), view.status)


def render_shelled(view: View, page: Any, shell: Shell) -> str:
    """Return a page as text, with a shell that is given: for states that only a test brings about."""
    return environment().get_template(view.template).render(page=page, shell=shell)


@cache
def environment() -> Environment:
    """Return the engine: everything escaped, everything unknown an error."""
    made = Environment(
        loader=PackageLoader("ordertrail.web", "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        auto_reload=False,
    )
    made.globals.update(icon=icon, static=assets.href)
    for library in LIBRARIES:  # a block that is rendered by itself sees no import of its page
        module = made.get_template(library).make_module()
        made.globals.update({name: value for name, value in vars(module).items() if isinstance(value, Macro)})
    return made


def icon(name: str, label: str = "", *, big: bool = False) -> Markup:
    """Return an icon of the sprite; decorative unless it has a label."""
    told = Markup(' role="img" aria-label="{}"').format(label) if label else Markup(' aria-hidden="true"')
    return Markup('<svg class="icon{}"{} focusable="false"><use href="{}#{}"/></svg>').format(
        " big" if big else "", told, assets.href("icons.svg"), escape(name)
    )
