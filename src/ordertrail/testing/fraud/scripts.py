"""The frauds: what somebody does to gain by it, and which shipped rule is to find it.

Each happens to orders of its own, amidst the trade of the others, by people who else do honest work.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta

from ordertrail.record.event import Actor, Change, Event, Subject
from ordertrail.testing.fraud.people import (
    ADMIN,
    APPROVERS,
    CARRIER,
    CLERKS,
    FINANCE,
    GUARD,
    PICKERS,
    SHOP,
    Note,
    Teller,
    money,
    of_line,
    of_order,
    status,
)

Script = Callable[[Teller, str, datetime], Iterator[Event]]


@dataclass(frozen=True, slots=True)
class Fraud:
    """A pattern of fraud: its name, the rule that is to find it, and how it goes. It begins within working hours."""

    name: str
    rule: str
    script: Script


def _cheaper(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    lower = Change("/lines/1/unit_price", money(12_000), money(teller.random.randrange(2_000, 9_000)))
    yield teller.tell(
        moment, clerk, "order.price.change", of_line(order), [lower], Note(reason="customer called")
    )


def _cheaper_once_approved(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk, approver = teller.random.choice(CLERKS), teller.random.choice(APPROVERS)
    yield teller.tell(moment, approver, "order.approve", of_order(order), [status("created", "approved")])
    lower = Change("/lines/1/unit_price", money(12_000), money(teller.random.randrange(10_200, 11_900)))
    yield teller.tell(teller.after(moment, 10, 20_000), clerk, "order.price.change", of_line(order), [lower])


def _fewer_once_picked(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk, picker = teller.random.choice(CLERKS), teller.random.choice(PICKERS)
    yield teller.tell(moment, picker, "item.pick", of_line(order))
    fewer = Change("/lines/1/quantity", 10, teller.random.randrange(1, 9))
    yield teller.tell(teller.after(moment, 5, 90), clerk, "order.quantity.change", of_line(order), [fewer])


def _negative_line(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    less = Change("/lines/2/quantity", 1, -teller.random.randrange(1, 6))
    yield teller.tell(moment, clerk, "order.quantity.change", of_line(order, 2), [less])


def _there_and_back(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    down, up = Change("/lines/1/quantity", 50, 4), Change("/lines/1/quantity", 4, 50)
    yield teller.tell(moment, clerk, "order.quantity.change", of_line(order), [down])
    yield teller.tell(teller.after(moment, 5, 240), clerk, "order.quantity.change", of_line(order), [up])


def _tries_to_revert(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    back = [status("delivered", "confirmed")]
    for _ in range(teller.random.randrange(1, 4)):
        moment = teller.after(moment, 1, 3)
        yield teller.tell(moment, clerk, "order.status.revert", of_order(order), back, Note(outcome="denied"))


def _reverts(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    back = [status("completed", "approved")]
    note = Note(reason="as discussed")
    yield teller.tell(
        moment, teller.random.choice(APPROVERS), "order.status.revert", of_order(order), back, note
    )


def _cancels_many(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    for number in range(teller.random.randrange(9, 30)):
        moment = teller.after(moment, 0.2, 0.9)
        gone = [status("created", "cancelled")]
        yield teller.tell(moment, clerk, "order.cancel", of_order(f"{order}-{number}"), gone)


def _refunds_to_a_friend(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    back = Change("/payment/refunded", after=money(teller.random.randrange(5_000, 90_000)))
    finance = teller.random.choice(FINANCE)
    yield teller.tell(moment, finance, "payment.refund", of_order(order), [back], Note(reason="goodwill"))


def _sends_it_home(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    moved = Change("/shipping_address/line1", "High Street 12", "Back Alley 3")
    yield teller.tell(moment, clerk, "order.update", of_order(order), [moved])
    shipped = [status("confirmed", "shipped")]
    yield teller.tell(teller.after(moment, 10, 600), CARRIER, "shipment.dispatch", of_order(order), shipped)


def _splits(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    for number in range(teller.random.randrange(3, 6)):
        total = Change("/total", after=money(teller.random.randrange(900_000, 999_900)))
        yield teller.tell(moment, clerk, "order.create", of_order(f"{order}-{number}"), [total])
        moment = teller.after(moment, 4, 40)


def _approves_itself(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    approver = teller.random.choice(APPROVERS)
    total = Change("/total", after=money(teller.random.randrange(50_000, 500_000)))
    yield teller.tell(moment, approver, "order.create", of_order(order), [total])
    approved = [status("created", "approved")]
    yield teller.tell(teller.after(moment, 5, 9_000), approver, "order.approve", of_order(order), approved)


def _changes_and_approves(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    approver = teller.random.choice(APPROVERS)
    more = Change("/discount", money(0), money(teller.random.randrange(1_000, 9_000)))
    yield teller.tell(moment, approver, "order.update", of_order(order), [more])
    approved = [status("created", "approved")]
    yield teller.tell(teller.after(moment, 1, 60), approver, "order.approve", of_order(order), approved)


def _works_at_night(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    night = moment.replace(hour=teller.random.choice([1, 2, 3, 22, 23]))
    lower = Change("/lines/1/unit_price", money(12_000), money(11_000))
    yield teller.tell(night, teller.random.choice(CLERKS), "order.price.change", of_line(order), [lower])


def _works_elsewhere(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    lower = Change("/lines/1/unit_price", money(12_000), money(11_500))
    # Enough honest work before, so that what is usual is known.
    for number in range(12):
        usual = moment - timedelta(hours=30) + timedelta(minutes=5 * number)
        yield teller.tell(usual, clerk, "order.price.change", of_line(f"{order}-{number}"), [lower])
    note = Note(ip=f"192.0.2.{teller.random.randrange(1, 250)}")
    yield teller.tell(moment, clerk, "order.price.change", of_line(order), [lower], note)


def _deletes_for_a_while(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    yield teller.tell(moment, clerk, "order.delete", of_order(order))
    yield teller.tell(teller.after(moment, 60, 4_000), clerk, "order.restore", of_order(order))


def _takes_rights(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    given = Change("/roles", "order.editor", "order.editor, order.approver")
    yield teller.tell(moment, ADMIN, "access.role.change", Subject("account", clerk.id), [given])
    lower = Change("/lines/1/unit_price", money(12_000), money(11_000))
    yield teller.tell(teller.after(moment, 2, 50), clerk, "order.price.change", of_line(order), [lower])


def _guesses(teller: Teller, _order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    account, note = Subject("account", clerk.id), Note(ip="192.0.2.77", outcome="failed")
    for _ in range(teller.random.randrange(5, 12)):
        moment = teller.after(moment, 0.1, 0.8)
        yield teller.tell(moment, clerk, "access.signin.fail", account, note=note)
    yield teller.tell(
        teller.after(moment, 0.2, 3), clerk, "access.signin", account, note=Note(ip="192.0.2.77")
    )


def _sprays(teller: Teller, _order: str, moment: datetime) -> Iterator[Event]:
    note = Note(ip=f"192.0.2.{teller.random.randrange(1, 250)}", outcome="failed")
    for clerk in CLERKS[: teller.random.randrange(9, 20)]:
        moment = teller.after(moment, 0.05, 0.4)
        yield teller.tell(moment, clerk, "access.signin.fail", Subject("account", clerk.id), note=note)


def _reads_all(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    clerk = teller.random.choice(CLERKS)
    for number in range(teller.random.randrange(90, 150)):
        moment = teller.after(moment, 0.05, 0.3)
        yield teller.tell(moment, clerk, "order.read", of_order(f"{order}-{number}"))


def _reveals_many(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    approver = teller.random.choice(APPROVERS)
    for number in range(12):
        moment = teller.after(moment, 0.5, 3)
        yield teller.tell(moment, approver, "identity.reveal", of_order(f"{order}-{number}"))


def _goes_around(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    lower = Change("/unit_price", money(12_000), money(6_000))
    yield teller.tell(moment, Actor("postgres", "service"), "capture.bypass", of_line(order), [lower])


def _loses_events(teller: Teller, _order: str, moment: datetime) -> Iterator[Event]:
    client = Subject("client", f"shop-{teller.random.randrange(99)}")
    yield teller.tell(moment, GUARD, "capture.loss", client, [Change("/missing", after=3)])


def _changes_the_rule(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    approver = teller.random.choice(APPROVERS)
    about = Change("/actor", after=approver.id)
    yield teller.tell(moment, GUARD, "alert.raise", Subject("alert", f"A-{order}"), [about])
    changed = Change("/text", "level: high", "level: low")
    rule = Subject("rule", "price_lowered_much")
    yield teller.tell(teller.after(moment, 30, 6_000), approver, "rule.change", rule, [changed])


def _moves_back(teller: Teller, order: str, moment: datetime) -> Iterator[Event]:
    back = [status("shipped", "open")]
    yield teller.tell(moment, SHOP, "order.status.change", of_order(order), back)


FRAUDS: tuple[Fraud, ...] = (
    Fraud("cheaper", "price_lowered_much", _cheaper),
    Fraud("cheaper once approved", "price_changed_after_approval", _cheaper_once_approved),
    Fraud("fewer once picked", "quantity_changed_after_pick", _fewer_once_picked),
    Fraud("negative line", "quantity_negative", _negative_line),
    Fraud("there and back", "quantity_round_trip", _there_and_back),
    Fraud("tries to revert", "status_reversion_attempted", _tries_to_revert),
    Fraud("reverts", "status_reverted", _reverts),
    Fraud("moves back", "status_moved_back", _moves_back),
    Fraud("cancels many", "bulk_cancellations", _cancels_many),
    Fraud("refunds to a friend", "refund_without_return", _refunds_to_a_friend),
    Fraud("sends it home", "address_changed_before_shipment", _sends_it_home),
    Fraud("splits", "order_split_under_limit", _splits),
    Fraud("approves itself", "approved_own_order", _approves_itself),
    Fraud("changes and approves", "approved_own_change", _changes_and_approves),
    Fraud("works at night", "edit_outside_hours", _works_at_night),
    Fraud("works elsewhere", "edit_from_new_network", _works_elsewhere),
    Fraud("deletes for a while", "deleted_and_restored", _deletes_for_a_while),
    Fraud("takes rights", "privilege_then_edit", _takes_rights),
    Fraud("guesses", "signin_guessed", _guesses),
    Fraud("sprays", "signin_sprayed", _sprays),
    Fraud("reads all", "mass_reads", _reads_all),
    Fraud("reveals many", "identities_revealed", _reveals_many),
    Fraud("goes around", "application_bypassed", _goes_around),
    Fraud("loses events", "capture_gap", _loses_events),
    Fraud("changes the rule", "control_changed_under_alert", _changes_the_rule),
)
"""The patterns of fraud, each with the rule that is to find it."""
