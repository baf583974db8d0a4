"""Why a case is unusual, in sentences with numbers: what deviates, how often it came so, and how often otherwise."""

from math import exp, log

from ordertrail.kernel.numbers import count
from ordertrail.monitor.behaviour.paths import BEGIN, END, Path
from ordertrail.monitor.behaviour.process import Judgement, ProcessModel
from ordertrail.monitor.behaviour.repairs import Kind, Repair
from ordertrail.monitor.behaviour.values import alone

_MOST_ODDS = 1_000_000_000
_LOG_SHARE = log(0.02)
"""Of the odds, the logarithm of the share that a kind must make up to be told."""


def sentences(judged: Judgement, model: ProcessModel) -> tuple[str, ...]:
    """Return why, what tells most first."""
    others = count(max(0, judged.course.seen), "other order")
    same = f"{others} of {model.paths.cases:,} took the same course"
    told = [f"{same}; odds that it deviates, cautiously reckoned: {odds_words(judged.score)}."]
    repairs = {repair.kind: repair for repair in judged.course.best}
    for kind, one in sorted(judged.kinds, key=lambda pair: -pair[1]):
        if one < judged.score + _LOG_SHARE:
            continue
        if kind is Kind.VALUE:
            told += _values(judged, model)
        elif kind in repairs:
            told.append(_deviation(judged.case.path, repairs[kind], model))
    return tuple(told)


def signature(judged: Judgement, model: ProcessModel) -> str:
    """Return what deviates, without which case it is: cases with one signature deviate alike."""
    kind = max(judged.kinds, key=lambda pair: pair[1])[0]
    path = judged.case.path
    if kind is Kind.VALUE:
        odd = max(judged.values, key=lambda one: one.odds)
        step = judged.case.steps[odd.place]
        return f"{kind}:{model.fields[odd.field]}={step.values[odd.field]}@{step.activity}"
    repair = next(one for one in judged.course.best if one.kind is kind)
    if kind is Kind.MISSING:
        return f"{kind}:{'+'.join(repair.middle)}<{_comes(path, repair.right)}"
    stretch = "+".join(path[place] for place in repair.places)
    return f"{kind}:{stretch}>{_came(path, repair.places[0])}"


def odds_words(score: float) -> str:
    """Return log-odds as people bet: ``2,400 to 1``."""
    odds = exp(min(score, 21.0)) if score > 0 else exp(min(-score, 21.0))
    told = f"more than {_MOST_ODDS:,}" if odds > _MOST_ODDS else f"{odds:,.0f}"
    return f"{told} to 1" if score > 0 else f"1 to {told}"


def _deviation(path: Path, repair: Repair, model: ProcessModel) -> str:
    stretch = _quoted(tuple(path[place] for place in repair.places))
    first, last = repair.places[0], repair.places[-1]
    usual = model.paths.counts.get(repair.of(path), 0)
    like = f"{count(usual, 'order')} took that course without this"
    came = _came(path, repair.left if repair.kind is Kind.MISSING else first)
    match repair.kind:
        case Kind.MISSING:
            told = f"{_quoted(repair.middle)} is missing after {_name(came)}"
            comes = _comes(path, repair.right)
            next_ = f"{_followed(model, came, repair.middle[0])}, and {_times(model, came, comes)}"
            return f"{told}: {next_}; {like}."
        case Kind.MOVED:
            told = f"{stretch} came out of place, after {_name(came)}"
        case Kind.REPEATED:
            told = f"{stretch} was done again after {_name(came)}"
        case _:
            times = count(model.paths.times(path[last]), "time")
            told = f"{stretch} came, as mostly it does not ({_name(path[last])} {times} in all orders)"
    return f"{told}: {_followed(model, came, path[first])}; {like}."


def _values(judged: Judgement, model: ProcessModel) -> list[str]:
    most = max(judged.values, key=lambda one: one.odds).odds
    told = []
    for odd in sorted(judged.values, key=lambda one: -one.odds)[:3]:
        if odd.odds < max(0.0, most + _LOG_SHARE):
            break
        step, counts = judged.case.steps[odd.place], model.counts[odd.field]
        value, context = step.values[odd.field], alone(step)
        told.append(
            f"{model.fields[odd.field]} was {value!r} at {_name(step.activity)}, which it was "
            f"{counts.times(context, value):,} of {count(counts.times(context), 'time')}; "
            "what was done before and after makes it less likely still."
        )
    return told


def _followed(model: ProcessModel, came: str, then: str) -> str:
    times = model.paths.came_after(came, then)
    return (
        f"{_name(then)} came next after {_name(came)} {times:,} of {count(model.paths.times(came), 'time')}"
    )


def _times(model: ProcessModel, came: str, comes: str) -> str:
    return f"{_name(comes)} {count(model.paths.came_after(came, comes), 'time')}"


def _came(path: Path, place: int) -> str:
    return path[place - 1] if place else BEGIN


def _comes(path: Path, place: int) -> str:
    return path[place] if place < len(path) else END


def _name(activity: str) -> str:
    return {BEGIN: "the beginning", END: "the end"}.get(activity, f"'{activity}'")


def _quoted(stretch: Path) -> str:
    return " and ".join(map(_name, stretch))
