"""One message that could not enter: what is wrong with it, in words, and what it is; mended and given back here.

A fix is other bytes beside those that came; the original stays, and every act needs a reason and is an event.
"""

from dataclasses import dataclass
from typing import Annotated, Final
from urllib.parse import quote

from fastapi import APIRouter, Depends, Request
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.intake.advice import advice_on
from ordertrail.intake.events import message_id
from ordertrail.intake.ports import Letter
from ordertrail.intake.repair import Fix
from ordertrail.intake.service import Intake
from ordertrail.intake.states import OPEN, MessageState
from ordertrail.kernel.errors import InputError
from ordertrail.record.event import Actor
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.pages.addresses import order_href
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

_SHOWN_BYTES: Final = 16_000

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class FaultRow:
    """A thing that is wrong with a message, and where."""

    code: str
    place: str
    message: str
    rule: str


@dataclass(frozen=True, slots=True)
class AttemptRow:
    """One try."""

    number: str
    at: Moment
    state: str
    why: str


@dataclass(frozen=True, slots=True)
class LetterPage:
    """What the page of a message shows."""

    name: str
    href: str
    state: str
    is_open: bool
    is_held: bool
    source: str
    order: str
    order_href: str
    received: Moment
    faults: tuple[FaultRow, ...]
    advice: str
    attempts: tuple[AttemptRow, ...]
    sha256: str
    size: str
    fix: str
    original: str
    cut: bool
    is_text: bool
    may_repair: bool
    problems: tuple[str, ...]
    typed: str
    reason: str


def message_href(name: str) -> str:
    """Return the address of a message."""
    return f"/intake/messages/{quote(name)}"


@router.get("/intake/messages/{name:path}", include_in_schema=False)
def letter_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.INTAKE_READ))], name: str
) -> Response:
    """Show a message that could not enter."""
    intake = intake_of(request)
    letter = intake.letter(name)
    observe(request, who, "evidence.read", "message", name)
    page = _letter(intake, who, letter, reading_for(request))
    return render(request, who, View("letter.html", f"Message {name}"), page)


@router.post("/intake/messages/{name:path}", include_in_schema=False)
def repair_letter(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.INTAKE_OPERATE))],
    form: Annotated[Posted, Depends(posted)],
    name: str,
) -> Response:
    """Mend a message and give it back, let it through, or decide that it shall not enter."""
    intake = intake_of(request)
    letter = intake.letter(name)
    try:
        word = _act(intake, letter, actor_of(who), form)
    except InputError as error:
        problems = tuple(str(one) for one in error.problems)
        page = _letter(intake, who, letter, reading_for(request), problems=problems, form=form)
        return render(request, who, View("letter.html", f"Message {name}", status=422), page)
    return RedirectResponse(f"/intake?done={word}", 303)


def _act(intake: Intake, letter: Letter, actor: Actor, form: Posted) -> str:
    """Do what was asked for; return the word for what became of it."""
    repair, reason = intake.repair, form.get("reason")
    acts = {
        "replay": lambda: repair.replay(letter, actor, reason),
        "mend": lambda: repair.replay(letter, actor, reason, fix_of(form)),
        "release": lambda: repair.release(letter, actor, reason),
        "discard": lambda: repair.discard(letter, actor, reason),
    }
    act = acts.get(form.get("act"))
    if act is None:
        raise InputError("say what is to be done: replay, mend, release or discard")
    return form.get("act") if act() else "late"


DONE: Final = {
    "replay": "Given back; it is decided again now.",
    "mend": "Mended and given back; the original is kept.",
    "release": "Let through; what it was held for is approved.",
    "discard": "It shall not enter. It is kept, and so is why.",
    "late": "Somebody else was faster; nothing was done.",
}
"""What became of a message, by the word of what was asked for."""


def _letter(  # noqa: PLR0913 - what a page is made of
    intake: Intake,
    who: Principal,
    letter: Letter,
    reading: Reading,
    *,
    problems: tuple[str, ...] = (),
    form: Posted | None = None,
) -> LetterPage:
    body = intake.repair.original(letter)
    name = message_id(letter.delivery, letter.number)
    shown = body[:_SHOWN_BYTES]
    text = shown.decode("utf-8", "replace")
    return LetterPage(
        name=name,
        href=message_href(name),
        state=letter.state.value,
        is_open=letter.state in OPEN,
        is_held=letter.state is MessageState.HELD,
        source=letter.source,
        order=letter.order or "",
        order_href=order_href(letter.order) if letter.order else "",
        received=reading.moment(letter.received),
        faults=tuple(
            FaultRow(one.code.value.replace("_", " "), one.path, one.message, one.rule)
            for one in letter.faults
        ),
        advice=advice_on(letter.cause),
        attempts=tuple(
            AttemptRow(
                str(one.number), reading.moment(one.time), one.state.value, "; ".join(map(str, one.faults))
            )
            for one in letter.attempts
        ),
        sha256=letter.sha256,
        size=f"{letter.size:,} bytes",
        fix=letter.fix or "",
        original=text,
        cut=len(body) > _SHOWN_BYTES,
        is_text="\ufffd" not in text and len(body) <= _SHOWN_BYTES,
        may_repair=who.may(Verb.INTAKE_OPERATE),
        problems=problems,
        typed=form.get("body") if form is not None and form.get("body") else text,
        reason=form.get("reason") if form is not None else "",
    )


def fix_of(form: Posted) -> Fix | None:
    """Return the fix that a form describes: all of the text, or some text for some."""
    old, new, body = form.get("old"), form.get("new"), form.get("body")
    if old:
        return Fix(old=old.encode(), new=new.encode())
    # A browser sends line ends as CR LF (HTML, "form submission"); what came mostly had LF alone.
    return Fix(body=body.replace("\r\n", "\n").encode()) if body else None


def intake_of(request: Request) -> Intake:
    """Return the application's intake. Raises InputError where nothing is connected."""
    intake = services_of(request).intake
    if intake is None:
        raise InputError("no sales channel is connected", remedy="Name one in [[sources]] of trail.toml.")
    return intake
