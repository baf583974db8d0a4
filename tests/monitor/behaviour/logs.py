"""Small logs: paths over few activities, and cases with one field."""

from hypothesis import strategies as st

from ordertrail.monitor.behaviour.cases import Case, Step

ACTIVITIES = ("a", "b", "c", "d")
PATHS = st.lists(st.sampled_from(ACTIVITIES), min_size=1, max_size=7).map(tuple)
STEPS = st.builds(Step, st.sampled_from(ACTIVITIES), st.tuples(st.sampled_from(["x", "y", ""])))
CASES = st.lists(st.lists(STEPS, max_size=6), max_size=12).map(
    lambda told: [Case(str(number), tuple(steps)) for number, steps in enumerate(told)]
)


def cases(*told: tuple[str, int]) -> list[Case]:
    """Return cases of paths, one letter a step, each so many times."""
    return [
        Case(
            f"{path}-{number}",
            tuple(Step(letter, ("x",), f"{path}-{number}-{place}") for place, letter in enumerate(path)),
        )
        for path, many in told
        for number in range(many)
    ]
