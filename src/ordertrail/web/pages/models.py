"""Models: the registry, one model with its card and its life, and what people decide about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Request
from starlette.concurrency import run_in_threadpool
from starlette.responses import RedirectResponse, Response

from ordertrail.access.principal import Principal
from ordertrail.access.telling import actor_of
from ordertrail.access.verbs import Verb
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError
from ordertrail.monitor.models.record import LEADS, Deed, Metric, ModelRecord, Stage
from ordertrail.monitor.models.register import allowed
from ordertrail.monitor.models.registry import Models
from ordertrail.web.auth.admission import admit
from ordertrail.web.auth.observing import observe
from ordertrail.web.pages.forms import Posted, posted
from ordertrail.web.pages.problem import PageRoute
from ordertrail.web.pages.reading import Moment, Reading
from ordertrail.web.pages.regions import Region, ask, empty, ready
from ordertrail.web.pages.rendering import View, render
from ordertrail.web.pages.shell import reading_for, services_of

router = APIRouter(route_class=PageRoute, include_in_schema=False)

_TONES: Final = {
    Stage.TRAINED: "mute",
    Stage.VALIDATED: "wait",
    Stage.APPROVED: "seal",
    Stage.DEPLOYED: "good",
    Stage.RETIRED: "mute",
}
_DECIDED: Final = (Deed.APPROVE, Deed.DEPLOY, Deed.RETIRE)
"""What people do with a model on its page; to train and to validate takes figures, and so a program."""

_VERBS: Final = {
    Deed.APPROVE: Verb.RULES_APPROVE,
    Deed.DEPLOY: Verb.RULES_WRITE,
    Deed.RETIRE: Verb.RULES_WRITE,
}
_WORDS: Final = {Deed.APPROVE: "Approve", Deed.DEPLOY: "Put in use", Deed.RETIRE: "Take out of use for good"}
_SECTIONS: Final = {
    "intended": "What it is for",
    "data": "What it learned from",
    "method": "How",
    "evaluation": "On what it was measured",
    "limits": "Where it fails",
    "people": "Whom it may touch",
    "oversight": "Who decides",
}


@dataclass(frozen=True, slots=True)
class ModelRow:
    """A model in the registry."""

    href: str
    name: str
    title: str
    kind: str
    purpose: str
    stage: str
    tone: str
    trained: Moment
    figures: tuple[tuple[str, str], ...]
    drift: str


@dataclass(frozen=True, slots=True)
class ModelsPage:
    """What the registry shows."""

    models: Region[tuple[ModelRow, ...]]


@dataclass(frozen=True, slots=True)
class StepRow:
    """A step in a model's life."""

    at: Moment
    who: str
    href: str
    what: str
    why: str


@dataclass(frozen=True, slots=True)
class Choice:
    """Something that the reader may do with a model now, and the words of its button."""

    deed: str
    label: str
    first: bool


@dataclass(frozen=True, slots=True)
class ModelPage:
    """What the page of one model shows. ``standing`` says whether its file is as it was trained."""

    row: ModelRow
    version: str
    size: str
    seed: str
    code: str
    lock: str
    standing: str
    whole: bool
    card: tuple[tuple[str, str], ...]
    figures: tuple[tuple[str, str, str], ...]
    data: tuple[tuple[str, str, str], ...]
    life: tuple[StepRow, ...]
    choices: tuple[Choice, ...]
    waits: str


def models_of(request: Request) -> Models:
    """Return the application's registry. Raises ConfigurationError where it has none."""
    found = services_of(request).models
    if found is None:
        raise ConfigurationError("this application has no registry of models")
    return found


@router.get("/models", include_in_schema=False)
def models_page(request: Request, who: Annotated[Principal, Depends(admit(Verb.RULES_READ))]) -> Response:
    """Show all models, the newest trained first."""
    models, reading = models_of(request), reading_for(request)

    def registry() -> Region[tuple[ModelRow, ...]]:
        found = tuple(_row(one, reading) for one in models.records())
        if found:
            return ready("Models", found)
        text = "A model comes here when it is trained: 'ordertrail forecast train' and 'ordertrail behaviour fit'."
        return empty("Models", "No model was trained yet", text)

    observe(request, who, "evidence.read", "models", "all")
    return render(request, who, View("models.html", "Models"), ModelsPage(ask("Models", registry, "/models")))


@router.get("/models/{version}", include_in_schema=False)
def model_page(
    request: Request, who: Annotated[Principal, Depends(admit(Verb.RULES_READ))], version: str
) -> Response:
    """Show one model."""
    models, reading = models_of(request), reading_for(request)
    found = models.record(version)
    standing, whole = _standing(models, found)
    training = found.training
    page = ModelPage(
        row=_row(found, reading),
        version=found.version,
        size=f"{found.size:,} bytes",
        seed=str(training.seed),
        code=training.code,
        lock=training.lock,
        standing=standing,
        whole=whole,
        card=tuple((words, getattr(training.card, name)) for name, words in _SECTIONS.items()),
        figures=(
            *((name, value, "in training") for name, value in _figures(training.metrics)),
            *((name, value, "in validation") for name, value in _figures(found.validation)),
            *(
                (name, value, "when it drifted")
                for name, value in _figures(found.drift.metrics if found.drift else ())
            ),
        ),
        data=tuple((one.stream, f"{one.start:,} to {one.size:,}", one.root) for one in training.data),
        life=tuple(
            StepRow(reading.moment(one.at), one.by, f"/people/{one.by}", one.deed.value, one.reason)
            for one in found.life
        ),
        choices=_choices(found, who),
        waits=_waits(found, who),
    )
    observe(request, who, "evidence.read", "model", found.version)
    return render(request, who, View("model.html", found.training.card.title), page)


@router.post("/models/{version}/approve", include_in_schema=False)
async def approve_model(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RULES_APPROVE))],
    version: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Approve a model that somebody else trained and validated."""
    return await _act(version, lambda: models_of(request).approve(version, actor_of(who), form.get("reason")))


@router.post("/models/{version}/{deed}", include_in_schema=False)
async def act_on_model(
    request: Request,
    who: Annotated[Principal, Depends(admit(Verb.RULES_WRITE))],
    version: str,
    deed: str,
    form: Annotated[Posted, Depends(posted)],
) -> Response:
    """Put a model in use, or take it out of use."""
    models, reason = models_of(request), form.get("reason")
    match deed:
        case Deed.DEPLOY:
            return await _act(version, lambda: models.deploy(version, actor_of(who), reason))
        case Deed.RETIRE:
            return await _act(version, lambda: models.retire(version, actor_of(who), reason))
        case _:
            raise InputError(f"a model cannot be made to {deed[:40]!r}")


async def _act(version: str, deed: Callable[[], ModelRecord]) -> Response:
    await run_in_threadpool(deed)
    return RedirectResponse(f"/models/{version}", 303)


def _row(one: ModelRecord, reading: Reading) -> ModelRow:
    return ModelRow(
        href=f"/models/{one.version}",
        name=one.version[:12],
        title=one.training.card.title,
        kind=one.training.kind,
        purpose=one.training.purpose.replace("_", " "),
        stage=one.stage.value,
        tone=_TONES[one.stage],
        trained=reading.moment(one.life[0].at),
        figures=_figures(one.validation or one.training.metrics)[:3],
        drift=one.drift.reason if one.drift else "",
    )


def _figures(metrics: tuple[Metric, ...]) -> tuple[tuple[str, str], ...]:
    return tuple((one.name, f"{one.value:f}") for one in metrics)


def _standing(models: Models, found: ModelRecord) -> tuple[str, bool]:
    """Say whether a model's file is, byte for byte, what was trained."""
    try:
        models.file(found)
    except EvidenceError as error:
        return f"{error.message}. {error.meaning}", False
    return "its file is, byte for byte, what was trained", True


def _choices(found: ModelRecord, who: Principal) -> tuple[Choice, ...]:
    """Return what the reader may do with a model as it stands."""
    return tuple(
        Choice(deed.value, _WORDS[deed], deed is not Deed.RETIRE)
        for deed in _DECIDED
        if who.may(_VERBS[deed]) and allowed(found, deed, who.id, is_person=who.kind == "person")
    )


def _waits(found: ModelRecord, who: Principal) -> str:
    """Say what a model waits for, where the reader cannot do it."""
    if found.stage is Stage.TRAINED:
        return "It waits to be validated on data that it has not learned from."
    if found.stage not in LEADS[Deed.APPROVE][0]:
        return ""
    if who.id in found.makers:
        return "You trained or validated it; another person must approve it."
    return "" if who.may(Verb.RULES_APPROVE) else "It waits for another person's approval."
