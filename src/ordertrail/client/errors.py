"""What goes wrong between client and server, in the one tree of errors.

What will be refused each time is a :class:`RefusedError`; what may work later is an UnavailableError; an answer
that is none of this interface is an :class:`AnswerError`.
"""

from http import HTTPStatus
from typing import TypeVar

import httpx
from pydantic import ValidationError

from ordertrail.kernel.errors import InputError, Problem, UnavailableError
from ordertrail.web.api.models.document import Document
from ordertrail.web.api.models.problem import TYPE_PREFIX, Fault, ProblemDocument

Answered = TypeVar("Answered", bound=Document)

_LATER = frozenset(
    {
        HTTPStatus.REQUEST_TIMEOUT,
        HTTPStatus.TOO_MANY_REQUESTS,
        HTTPStatus.BAD_GATEWAY,
        HTTPStatus.SERVICE_UNAVAILABLE,
        HTTPStatus.GATEWAY_TIMEOUT,
    }
)


class RefusedError(InputError):
    """The server refused; ``problem`` is what it said, and ``problems`` name places of the body, or parameters."""

    def __init__(self, problem: ProblemDocument) -> None:
        faults = [Problem(_place(one), one.detail) for one in problem.errors]
        super().__init__(faults or problem.detail, meaning=problem.meaning, remedy=problem.remedy)
        self.problem = problem

    @property
    def kind(self) -> str:
        """What kind of problem it is, such as ``unknown`` or ``forbidden``."""
        return self.problem.type.removeprefix(TYPE_PREFIX)


class AnswerError(UnavailableError):
    """What came back is no answer of this interface: something stands between, or it is of another version."""

    family_remedy = "Check the address; ask whoever runs the server which version it is."


def error_of(answer: httpx.Response) -> Exception:
    """Return the error that an answer tells. Its body must have been read."""
    try:
        problem = ProblemDocument.model_validate_json(answer.content)
    except ValidationError:
        told = f"{answer.request.url.host} answered {answer.status_code}, and no problem that is known"
        return UnavailableError(told) if answer.status_code in _LATER else AnswerError(told)
    if answer.status_code in _LATER:
        return UnavailableError(problem.detail, meaning=problem.meaning, remedy=problem.remedy)
    return RefusedError(problem)


def unreachable(error: httpx.TransportError, host: str) -> UnavailableError:
    """Return the error of a server that was not reached, or broke off."""
    return UnavailableError(f"{host} cannot be reached, or broke off: {type(error).__name__}")


def is_later(error: Exception) -> bool:
    """Say whether asking again may help."""
    return isinstance(error, UnavailableError) and not isinstance(error, AnswerError)


def read(answer: httpx.Response, answered: type[Answered]) -> Answered:
    """Return the document that an answer is. Raises AnswerError where it is none."""
    try:
        return answered.model_validate_json(answer.content)
    except ValidationError as error:
        raise AnswerError(f"the answer is no {answered.__name__}: {error.error_count()} faults") from None


def _place(fault: Fault) -> str:
    """Return where a fault is, as this tree of errors writes it: dotted."""
    if fault.pointer is not None:
        steps = fault.pointer.removeprefix("/").split("/")
        return ".".join(step.replace("~1", "/").replace("~0", "~") for step in steps)
    return fault.parameter or ""
