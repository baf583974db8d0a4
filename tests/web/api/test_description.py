"""The interface describes itself, wholly, and answers as it says."""

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest
import schemathesis
from hypothesis import HealthCheck, given, reject, settings
from hypothesis import strategies as st
from hypothesis.errors import Unsatisfiable
from jsonschema import Draft202012Validator
from schemathesis import GenerationMode
from schemathesis.checks import CHECKS

from ordertrail.access.roles import Role
from ordertrail.kernel.errors import ConfigurationError, EvidenceError, InputError, UnavailableError
from ordertrail.query.filters.fields import FIELDS
from ordertrail.record.encoding import encode
from ordertrail.record.event import Actor, Cause, Change, Context, Event, Link, Origin, Subject
from ordertrail.web.api.models import event as documents
from ordertrail.web.api.models.document import Document
from ordertrail.web.api.models.problem import ProblemDocument, ProblemKind
from ordertrail.web.api.parameters import accepts
from ordertrail.web.api.problems import STATUS, RefusedError, problem_of
from query.generated import EVENTS
from web.api.conftest import Shop

SOAK = os.environ.get("ORDERTRAIL_SOAK") == "1"


@pytest.fixture(scope="module")
def description(shop: Shop) -> dict[str, Any]:
    """The description as it is served."""
    told: dict[str, Any] = shop.client.get("/api/v1/openapi.json").json()
    return told


def operations(description: dict[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield each operation with its name."""
    for path, methods in description["paths"].items():
        for method, operation in methods.items():
            yield f"{method.upper()} {path}", operation


def test_each_operation_is_described(description: dict[str, Any]) -> None:
    """Summary, a sentence or more, an example of every parameter and of the answer, and the problems that it has."""
    assert description["openapi"].startswith("3.1")
    schemas = description["components"]["schemas"]
    names = [name for name, _ in operations(description)]
    assert len(names) > 30
    for name, operation in operations(description):
        assert operation["summary"], name
        assert operation["description"].endswith("."), name
        for parameter in operation.get("parameters", []):
            told = (
                parameter["schema"].get("examples") or parameter.get("examples") or parameter.get("example")
            )
            assert told is not None, (name, parameter["name"])
            assert parameter.get("description"), (name, parameter["name"])
        problems = {int(status) for status in operation["responses"] if int(status) >= 400}
        assert {401, 403, 404, 422, 500, 503} <= problems, name
        for status in problems:
            assert list(operation["responses"][str(status)]["content"]) == ["application/problem+json"], name
        good = min(int(status) for status in operation["responses"])
        for kind, content in operation["responses"][str(good)]["content"].items():
            schema = content.get("schema", {})
            model = schemas.get(schema.get("$ref", "").rpartition("/")[2], schema)
            binary = model.get("format") == "binary"
            assert binary or "example" in content or model.get("examples"), (name, kind)


def test_the_examples_are_what_they_are_examples_of() -> None:
    """Each example of a document is valid by its own schema."""
    seen = 0
    for document in every(Document):
        schema = document.model_json_schema(mode="serialization")
        for example in schema.get("examples", []):
            problems = [error.message for error in Draft202012Validator(schema).iter_errors(example)]
            assert problems == [], document
            seen += 1
    assert seen > 20


def every(kind: type[Document]) -> Iterator[type[Document]]:
    """Yield all kinds of documents."""
    for one in kind.__subclasses__():
        yield one
        yield from every(one)


@pytest.mark.parametrize(
    ("value", "document"),
    [
        (Event, documents.EventDocument),
        (Event, documents.EventInput),
        (Actor, documents.ActorDocument),
        (Subject, documents.SubjectDocument),
        (Change, documents.ChangeDocument),
        (Context, documents.ContextDocument),
        (Cause, documents.CauseDocument),
        (Link, documents.LinkDocument),
        (Origin, documents.OriginDocument),
    ],
)
def test_an_event_travels_with_all_its_fields(value: Any, document: Any) -> None:
    """A field that events get is a field of the interface."""
    assert set(value.__struct_fields__) == set(document.model_fields)


@given(EVENTS)
def test_an_event_travels_unchanged(event: Event) -> None:
    """What was absent is absent, what was null is null, and every value is itself, on the wire and after it."""
    wire = documents.event_document(event).model_dump_json(exclude_unset=True)
    assert json.loads(wire) == json.loads(encode(event))
    assert documents.EventDocument.model_validate_json(wire).value() == event


@pytest.mark.parametrize(
    ("accept", "chosen"),
    [
        ("*/*", "a/b"),
        ("", "a/b"),
        ("c/d", "c/d"),
        ("a/b;q=0.1, c/d;q=0.5", "c/d"),
        ("a/*;q=0.2, */*;q=0.1", "a/b"),
        ("a/b;q=0, */*", "c/d"),
        ("A/B", "a/b"),
        ("x/y, c/*;level=1", "c/d"),
        ("a/b;q=nonsense, c/d;q=0.001", "c/d"),
    ],
)
def test_the_type_that_is_wanted_most_is_chosen(accept: str, chosen: str) -> None:
    """By weight, the most specific range first; where all are alike, the first that is offered (RFC 9110)."""
    assert accepts(accept, ("a/b", "c/d")) == chosen


@pytest.mark.parametrize("accept", ["x/y", "a/b;q=0", "*/*;q=0", "text", ";q=1"])
def test_a_type_that_cannot_be_had_is_refused(accept: str) -> None:
    """406, and what can be had."""
    with pytest.raises(RefusedError) as refused:
        accepts(accept, ("a/b",))
    assert problem_of(refused.value).status_code == 406
    assert "a/b" in refused.value.detail


@pytest.mark.parametrize(
    ("error", "status", "kind"),
    [
        (InputError("no"), 422, ProblemKind.INPUT),
        (UnavailableError("/secret/place is gone"), 503, ProblemKind.UNAVAILABLE),
        (EvidenceError("entry 5 was altered"), 500, ProblemKind.EVIDENCE),
        (ConfigurationError("/secret/trail.toml"), 500, ProblemKind.CONFIGURATION),
        (RuntimeError("/secret/code"), 500, ProblemKind.INTERNAL),
    ],
)
def test_each_error_is_a_problem_of_its_kind(error: Exception, status: int, kind: ProblemKind) -> None:
    """With what it means and what to do; and nothing of the server's own files."""
    answer = problem_of(error)
    told = ProblemDocument.model_validate_json(bytes(answer.body))
    assert (answer.status_code, told.status, told.type) == (status, status, f"urn:ordertrail:problem:{kind}")
    assert b"secret" not in bytes(answer.body)
    assert answer.headers["cache-control"] == "no-store"
    assert ("retry-after" in answer.headers) == (status == 503)


def test_each_kind_of_problem_has_a_status() -> None:
    """None is forgotten."""
    assert set(STATUS) == set(ProblemKind)
    assert "actor" in FIELDS


SEEN = (
    "not_a_server_error", "status_code_conformance", "content_type_conformance", "response_schema_conformance",
    "response_headers_conformance", "unsupported_method",
)  # fmt: skip
_TAKES_OUT, _RECORDS = ("/api/v1/export",), ("POST /api/v1/events",)


def test_it_answers_as_it_says(shop: Shop) -> None:
    """Whatever is sent, by its own description or against it: no failure, and no answer that it does not describe."""
    url = f"{shop.client.base_url}/api/v1/openapi.json"
    schema = schemathesis.openapi.from_url(url).exclude(path="/api/v1/live")  # which does not end
    checks = [CHECKS.get_one(name) for name in SEEN]
    keys = {role: shop.key(role) for role in (Role.AUDITOR, Role.EXPORTER, Role.RECORDER)}
    failures: list[str] = []
    for result in schema.get_all_operations():
        operation: Any = result.ok()  # type: ignore[union-attr]
        role = Role.EXPORTER if operation.path in _TAKES_OUT else Role.AUDITOR
        role = Role.RECORDER if operation.label in _RECORDS else role
        try:
            held_to(operation, {"Authorization": f"Bearer {keys[role]}"}, checks)
        except (Exception, BaseExceptionGroup) as error:  # noqa: BLE001 - all of them are told together
            failures.append(f"{operation.label}: {error}")
    assert failures == [], "\n\n".join(failures)


def held_to(operation: Any, headers: dict[str, str], checks: list[Any]) -> None:
    """Send an operation what its description allows, and what it does not."""

    @settings(
        max_examples=200 if SOAK else 3, database=None, derandomize=not SOAK, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(data=st.data())
    def ask(data: st.DataObject) -> None:
        mode = data.draw(st.sampled_from(GenerationMode))
        try:
            case = data.draw(operation.as_strategy(generation_mode=mode))
        except Unsatisfiable:
            reject()  # what takes nothing can be sent nothing wrong
        case.call_and_validate(headers=headers, checks=checks)

    ask()
