"""Model cards of behaviour, and what is said wherever people are scored."""

from ordertrail.monitor.models.card import Card

LAW = (
    "Scoring what staff do is monitoring at work. It may touch the GDPR (Articles 5, 6, 22, 35 and 88), rights of "
    "works councils (in Germany section 87(1) no. 6 of the BetrVG), and Annex III no. 4(b) of the EU's AI Act."
)
"""Which law the scoring of people may touch. Not advice: it says where to ask."""


def order_card(orders: int, courses: int, fields: tuple[str, ...], *, people: bool) -> Card:
    """Return the card of a model of orders."""
    return Card(
        title="How unusual an order's course is",
        intended=(
            "To show people orders that deviate by one step from what mostly happens. It does not know what is wrong; "
            "nothing is to be done to an order or a person by its score alone."
        ),
        data=(
            f"{orders:,} orders that were over, {courses:,} different courses; of each event what was done, its "
            f"outcome and status, and {', '.join(fields)}. No values of changed fields, nothing sealed, no reads."
        ),
        method=(
            "Unsupervised: a noisy channel over courses (n-grams after Witten and Bell, one deviation), and fields "
            "given what was done before, after and beside. Counts only, in canonical JSON; no seed matters."
        ),
        evaluation=(
            "On labelled logs with injected anomalies: docs/reports/behaviour.md. On this trail: nothing is labelled, "
            "so that only how many orders it would tell can be said."
        ),
        limits=(
            "What most do is usual, be it wrong. Two deviations far apart in one order are seen as the graver one. It "
            "was measured on injected anomalies, which are not fraud."
        ),
        people=LAW if people else "It scores orders. Who did a step is not learned from; roles are.",
    )


def people_card(days: int, people: int, basis: str) -> Card:
    """Return the card of a model of people's days."""
    return Card(
        title="How unusual a person's day is",
        intended="To show auditors days to look at. Never to judge performance, and never without a person's decision.",
        data=f"{days:,} days of {people:,} people: counts of events, orders, hours, deeds, and amounts moved.",
        method="How rare each aspect is in the person's own past and in the role's; the less rare of the two counts.",
        evaluation="Not measured on labelled data; the shipped rules are (docs/decisions/0028-rules.md).",
        limits="Roles of few people say little; a new duty looks unusual until it is usual. Hours are of UTC.",
        people=f"{LAW} Said to allow it: {basis}",
    )
