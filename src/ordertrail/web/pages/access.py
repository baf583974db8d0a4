"""The pages of signing in, in the look of all pages: what ``app.state.render_access`` asks instead of plain HTML."""

from dataclasses import dataclass
from typing import Final

from fastapi import Request
from starlette.responses import Response

from ordertrail.web.auth.csrf import FIELD
from ordertrail.web.auth.pages import Page, PageKind
from ordertrail.web.pages.rendering import View, render


@dataclass(frozen=True, slots=True)
class Field:
    """A field of a form."""

    name: str
    label: str
    type: str
    complete: str
    hint: str = ""


@dataclass(frozen=True, slots=True)
class Box:
    """A box to tick."""

    name: str
    value: str
    label: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """A field that nobody sees."""

    name: str
    value: str


@dataclass(frozen=True, slots=True)
class AccessPage:
    """What a page of signing in shows."""

    title: str
    lead: str
    message: str
    problems: tuple[str, ...]
    action: str
    hidden: tuple[Hidden, ...]
    fields: tuple[Field, ...]
    boxes: tuple[Box, ...]
    button: str
    house: str
    secret: str
    address: str
    codes: tuple[str, ...]
    target: str
    onward: str


_TITLES: Final = {
    PageKind.SIGN_IN: ("Sign in", "", "Sign in"),
    PageKind.SECOND: (
        "Your second factor",
        "The six digits of your authenticator, or a recovery code.",
        "Go on",
    ),
    PageKind.ENROL: (
        "Set up a second factor",
        "Type this secret into your authenticator, then its code.",
        "Set up",
    ),
    PageKind.CODES: (
        "Recovery codes",
        "Each stands once for your authenticator. They are not shown again.",
        "",
    ),
    PageKind.AGAIN: ("Is it still you?", "What you asked for needs your password once more.", "Go on"),
    PageKind.INVITATION: ("Choose a password", "With the invitation that you were given.", "Choose it"),
    PageKind.PASSWORD: ("Change your password", "You sign in again with the new one.", "Change it"),
    PageKind.SIGN_OUT: ("Sign out", "", "Sign out"),
    PageKind.GLASS: (
        "Break the glass",
        "Further rights for a short time. Everybody who is to know is told.",
        "Break it",
    ),
    PageKind.STOPPED: ("Not signed in", "", ""),
}
_PASSWORD: Final = Field("password", "Password", "password", "current-password")
_NEW: Final = Field(
    "password", "New password", "password", "new-password", "At least twelve characters; a sentence is good."
)
_CODE: Final = Field("code", "Code", "text", "one-time-code")
_FIELDS: Final = {
    PageKind.SIGN_IN: (Field("name", "Name", "text", "username"), _PASSWORD),
    PageKind.SECOND: (_CODE,),
    PageKind.ENROL: (_CODE,),
    PageKind.AGAIN: (_PASSWORD,),
    PageKind.INVITATION: (Field("invitation", "Invitation", "text", "off"), _NEW),
    PageKind.PASSWORD: (Field("old", "Password now", "password", "current-password"), _NEW),
    PageKind.GLASS: (Field("reason", "Why", "text", "off", "Recorded, and read by those who are told."),),
}


def render_access(request: Request, page: Page, status: int = 200) -> Response:
    """Answer with a page of signing in."""
    title, lead, button = _TITLES[page.kind]
    boxes = tuple(Box("verbs", verb, words) for verb, words in page.verbs)
    if page.kind is PageKind.SIGN_OUT:
        boxes = (Box("everywhere", "yes", "On all my devices"),)
    hidden = [Hidden(FIELD, page.token), Hidden("next", page.target)]
    if page.offer is not None:
        hidden.append(Hidden("sealed", page.offer.sealed))
    shown = AccessPage(
        title=title,
        lead=lead,
        message=page.message,
        problems=page.problems,
        action=page.action if button else "",
        hidden=tuple(hidden),
        fields=_FIELDS.get(page.kind, ()),
        boxes=boxes,
        button=button,
        house=(page.house or "") if page.kind is PageKind.SIGN_IN else "",
        secret=page.offer.secret if page.offer is not None else "",
        address=page.offer.address if page.offer is not None else "",
        codes=page.codes,
        target=page.target,
        onward="/sign-in"
        if page.kind is PageKind.STOPPED
        else page.target
        if page.kind is PageKind.CODES
        else "",
    )
    return render(request, None, View("access.html", title, status=status), shown)
