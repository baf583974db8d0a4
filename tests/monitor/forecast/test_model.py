import json
from hashlib import sha256

import pytest
from hypothesis import given
from hypothesis import strategies as st

from monitor.forecast.small import indexed, target, year_model
from ordertrail.adapters.learning.revival import revive
from ordertrail.kernel.canonical import canonical
from ordertrail.kernel.errors import EvidenceError
from ordertrail.monitor.forecast import model as models
from ordertrail.monitor.forecast.model import check_declared, format_model, read_model
from ordertrail.monitor.forecast.prefixes import after
from ordertrail.monitor.forecast.scoring import Scoring, replayed
from ordertrail.monitor.forecast.targets import read_targets
from ordertrail.monitor.forecast.trail import is_seen, observe
from ordertrail.testing.year import NEXT, TARGETS, Year


def test_a_file_reads_back_as_what_was_written() -> None:
    """What is read is written the same again, and has the id of its bytes."""
    data = format_model(year_model())
    model = read_model(data, sha256(data).hexdigest(), revive)
    assert model.id == year_model().id == sha256(data).hexdigest()
    assert format_model(model) == data
    assert canonical(json.loads(data)) == data


@given(st.data())
def test_a_file_altered_by_one_byte_is_refused(drawn: st.DataObject) -> None:
    """Whichever byte it is."""
    data = bytearray(format_model(year_model()))
    place = drawn.draw(st.integers(0, len(data) - 1))
    data[place] ^= 1 << drawn.draw(st.integers(0, 7))
    with pytest.raises(EvidenceError, match="was changed"):
        read_model(bytes(data), year_model().id, revive)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("version", 2),
        ("learner", "pickle"),
        ("scorer", None),
        ("calibration", {"scores": [2.0, 1.0], "probabilities": [0.1, 0.2]}),
        ("calibration", {"scores": [1.0, 2.0], "probabilities": [0.3, 0.2]}),
        ("conformal", {"breaches": [2.0, 1.0], "clears": [], "alpha": 0.1}),
        ("columns", {"names": ["steps"], "ordinary": [1.0]}),
        ("code", "0" * 64),
    ],
)
def test_a_file_that_is_no_model_is_refused_under_its_own_id(name: str, value: object) -> None:
    """Bytes that are what they say they are need not be a model of this program."""
    told = json.loads(format_model(year_model()))
    told[name] = value
    data = canonical(told)
    with pytest.raises(EvidenceError):
        read_model(data, sha256(data).hexdigest(), revive)


def test_a_file_written_otherwise_is_refused() -> None:
    """One way to write a model: with spaces it is another file, and none."""
    data = json.dumps(json.loads(format_model(year_model()))).encode()
    with pytest.raises(EvidenceError, match="not written as models are"):
        read_model(data, sha256(data).hexdigest(), revive)


def test_other_feature_code_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    """A model of features that this program makes otherwise says nothing of its own orders."""
    data = format_model(year_model())
    monkeypatch.setattr(models, "feature_code", lambda: "f" * 64)
    with pytest.raises(EvidenceError, match="other feature code"):
        read_model(data, sha256(data).hexdigest(), revive)


def test_another_declaration_of_the_target_is_refused() -> None:
    """A model answers what it was trained for; a target with another horizon is another question."""
    check_declared(year_model(), target())
    other = read_targets(TARGETS.replace('horizon = "30d"', 'horizon = "29d"', 1))[0]
    with pytest.raises(EvidenceError, match="another declaration"):
        Scoring((other,), {other.name: year_model()})


def test_a_thousand_past_scores_are_had_again_bit_for_bit() -> None:
    """From the order's own events up to then, the model's file and the corrections of then: the same bits."""
    events, told = indexed(Year(180, 4, begin=NEXT)), []
    scoring = Scoring((target(),), {"cancelled": year_model()})
    for event in events:
        scoring.take(event)
        told += scoring.forecasts()
    assert len(told) >= 1_000
    data = format_model(year_model())
    model = read_model(data, year_model().id, revive)
    for forecast in told:
        of_order = [one for one in events if one.order == forecast.order and is_seen(one)]
        upto = next(place for place, one in enumerate(of_order) if one.id == forecast.last) + 1
        prefix = after([observe(one) for one in of_order[:upto]])
        again = replayed(model, prefix.values, forecast.corrections)
        assert again.score.hex() == forecast.score.hex()
        assert round(again.probability, 6) == forecast.probability
        assert again.outcomes == forecast.outcomes
