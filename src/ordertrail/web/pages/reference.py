"""Pages that say how things are: help with a glossary, the verifier that runs in the browser, and the patterns."""

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import Response

from ordertrail.access.principal import Principal
from ordertrail.access.verbs import Verb
from ordertrail.ledger.verify.report import Step
from ordertrail.query.filters.fields import FIELDS
from ordertrail.web.auth.admission import admit, public, recognised
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import PLACES, Standing

router = APIRouter(route_class=PageRoute, include_in_schema=False)


@dataclass(frozen=True, slots=True)
class Term:
    """A word of the glossary."""

    word: str
    meaning: str


@dataclass(frozen=True, slots=True)
class Key:
    """A key and what it does."""

    keys: str
    does: str


@dataclass(frozen=True, slots=True)
class StepTold:
    """A numbered step of verification."""

    number: int
    label: str
    promise: str


@dataclass(frozen=True, slots=True)
class HelpPage:
    """What the page shows."""

    keys: tuple[Key, ...]
    fields: tuple[Term, ...]
    seals: tuple[tuple[Standing, str], ...]
    steps: tuple[StepTold, ...]
    glossary: tuple[Term, ...]


@dataclass(frozen=True, slots=True)
class VerifyPage:
    """What the verifier's page shows: the steps, which the visitor's browser runs."""

    steps: tuple[StepTold, ...]


STEPS: Final = tuple(StepTold(step.number, step.label, step.promise) for step in Step)

_KEYS: Final = (
    Key("/", "search, or write the filter"),
    Key("?", "these keys"),
    *(Key(f"g {place.key}", f"go to {place.name}") for place in PLACES),
    Key("j k", "next and previous row"),
    Key("Enter", "open the row"),
    Key("Esc", "close the drawer"),
    Key("n p", "older and newer page"),
    Key("v", "run the numbered steps on what is open"),
    Key("b", "put the row into the basket"),
)

_SEALS: Final = (
    (Standing.PROVEN, "The numbered steps were run, just now, and every one of them held."),
    (Standing.SEALED, "It is in the log under a signed checkpoint. Nobody has run the steps for you yet."),
    (Standing.PENDING, "It is recorded and durable, and waits to be sealed; its age is said."),
    (Standing.UNCHECKED, "Nothing is claimed: nobody has looked."),
    (Standing.BROKEN, "A step failed. The page says which, what is still provable, and what to do."),
)

_GLOSSARY: Final = (
    Term(
        "Event",
        "One thing that happened to one order: who, what, when, from where and why, before and after.",
    ),
    Term("Sealed", "Hashed, numbered and signed into the log, so that it cannot be changed unnoticed."),
    Term(
        "Entry",
        "An event as the log keeps it: its exact bytes, its number and the hash of the entry before it.",
    ),
    Term("Checkpoint", "The log's signed word about its size and the one hash that stands for all of it."),
    Term(
        "Root",
        "The hash at the top of the tree of all entries: change one byte of one entry, and it is another.",
    ),
    Term("Proof", "The few hashes that lead from an entry to a root; anybody can check them, offline."),
    Term(
        "Order chain",
        "Each event of an order names the one before it: nothing between two of them can be left out.",
    ),
    Term(
        "Vault",
        "Write-once storage that keeps the log for its term and lets nobody change it, its operator included.",
    ),
    Term("Anchor", "A checkpoint that was published to the vault with all that it commits to."),
    Term(
        "Time-stamp authority",
        "Somebody else's clock, which signs that a checkpoint existed at a time (RFC 3161).",
    ),
    Term("Witness", "Somebody else who remembers the log's checkpoints, and signs only what continues them."),
    Term(
        "Attempt",
        "What did not come about: denied, failed or rolled back. It is recorded like everything else.",
    ),
    Term("Sensitive", "What people are told of at once: prices, quantities, reversions, money going out."),
    Term(
        "Dead letter",
        "A message of a sales channel that cannot enter as it is. Its bytes are kept as they came.",
    ),
    Term("As of", "What an order was at a moment, put together of its events up to then."),
    Term(
        "Sealed personal value",
        "A name or an address that only a key opens. Once the key is destroyed, nobody can.",
    ),
    Term("Scope", "The tenants, channels and regions that a role may look at."),
)


@router.get("/help", include_in_schema=False)
def help_page(request: Request, who: Annotated[Principal, Depends(admit(Verb.STATUS_READ))]) -> Response:
    """Show how things are done, and what the words mean."""
    fields = tuple(Term(name, field.about) for name, field in FIELDS.items())
    return render(request, who, View("help.html", "Help"), HelpPage(_KEYS, fields, _SEALS, STEPS, _GLOSSARY))


@router.get("/verify", include_in_schema=False)
async def verify_page(request: Request, _: Annotated[None, Depends(public)]) -> Response:
    """Show the verifier, to anybody: it runs in the visitor's browser, and nothing is sent."""
    found = await recognised(request)
    who = found.who if found is not None else None
    return await run_in_threadpool(render, request, who, View("verify.html", "Verify"), VerifyPage(STEPS))
