"""What is done with a suggestion follows the table, and every step is one event that repeating does not double."""

from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ordertrail.kernel.errors import InputError
from ordertrail.monitor.actions import lifecycle
from ordertrail.monitor.actions.suggestion import Deed, State, Suggestion, Transition
from ordertrail.monitor.actions.telling import event_id, told
from ordertrail.record.encoding import encode
from ordertrail.record.parse import parse_event
from ordertrail.testing.conformance.suggestions import NOW, suggestion

Do = Callable[[Suggestion], Transition]
LATER = NOW + lifecycle.LEASE + timedelta(seconds=1)

DEEDS: Mapping[Deed, Do] = {
    Deed.ACCEPT: lambda one: lifecycle.accept(one, "anna", "as told", NOW),
    Deed.DISMISS: lambda one: lifecycle.dismiss(one, "anna", "no", NOW),
    Deed.EXPIRE: lambda one: lifecycle.expire(one, "too late", NOW),
    Deed.WITHHOLD: lambda one: lifecycle.withhold(one, "M-1", NOW),
    Deed.BEGIN: lambda one: lifecycle.begin(one, LATER),
    Deed.FINISH: lambda one: lifecycle.finish(one, "done", NOW),
    Deed.FAIL: lambda one: lifecycle.fail(one, "down", NOW, LATER),
    Deed.GIVE_UP: lambda one: lifecycle.fail(one, "down", NOW, None),
    Deed.REVOKE: lambda one: lifecycle.revoke(one, "ben", "a mistake", NOW),
    Deed.LEARN: lambda one: lifecycle.learn(one, NOW, breached=True),
}
"""All deeds but making one."""


@pytest.mark.parametrize("state", State)
@pytest.mark.parametrize("deed", DEEDS)
def test_each_deed_leads_where_the_table_says_or_is_refused(deed: Deed, state: State) -> None:
    """There is no way from a state but those of the table, for no deed."""
    one = msgspec.structs.replace(suggestion(1), state=state)
    where = lifecycle.LEADS.get((deed, state))
    if where is None:
        with pytest.raises(InputError):
            DEEDS[deed](one)
        return
    transition = DEEDS[deed](one)
    assert (transition.suggestion.state, transition.before) == (where, state)
    assert transition.suggestion.version == one.version + 1


@given(deeds=st.lists(st.sampled_from(sorted(DEEDS)), max_size=12))
def test_every_step_is_an_event_of_its_own_that_the_strict_parser_takes(deeds: list[Deed]) -> None:
    """Whatever is done, each step is told once: the same step has the same id, another step another."""
    one, seen = suggestion(1), set()
    for deed in deeds:
        if (deed, one.state) not in lifecycle.LEADS:
            continue
        try:
            transition = DEEDS[deed](one)
        except InputError:  # it is being worked on
            continue
        event = told(transition)
        assert parse_event(encode(event)) == event
        assert event.id == event_id(transition) == told(transition).id
        assert event.id not in seen
        seen.add(event.id)
        one = transition.suggestion


def test_what_is_being_worked_on_is_nobody_elses_until_the_lease_ends() -> None:
    """Another may not take it over before; afterwards it may."""
    accepted = lifecycle.accept(suggestion(1), "anna", "as told", NOW).suggestion
    begun = lifecycle.begin(accepted, NOW).suggestion
    with pytest.raises(InputError, match="worked on"):
        lifecycle.begin(begun, NOW + lifecycle.LEASE - timedelta(seconds=1))
    assert lifecycle.begin(begun, NOW + lifecycle.LEASE).suggestion.attempts == 2
