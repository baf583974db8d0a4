"""The action catalogue: closed, documented, and open to a user's own additions.

An action is ``thing.verb`` in lower case (``order.price.change``). An event whose action is not in the
catalogue is refused, because a rule, a report or an auditor that has never heard of a word would
silently pass over it. A trail may add its own actions in its settings; they live beside these.
"""

import difflib
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ordertrail.kernel.errors import InputError, Problem

_NAME = re.compile(r"[a-z][a-z0-9]*(\.[a-z][a-z0-9_]*)+", re.ASCII)


@dataclass(frozen=True, slots=True)
class Action:
    """One word of the catalogue.

    ``phrase`` reads after the actor's name: "clerk-17 *changed the price of* order line SO-1042/2".
    ``sensitive`` marks what people are told of at once: prices, quantities, reversions, money going out.
    """

    name: str
    phrase: str
    sensitive: bool = False


_CATALOGUE = """
order.create               created
order.read                 read
order.update               changed
order.delete             ! deleted
order.restore            ! restored
order.submit               submitted
order.approve              approved
order.reject               rejected
order.confirm              confirmed
order.cancel             ! cancelled
order.hold                 put on hold
order.release              released
order.complete             completed
order.transmit             transmitted
order.price.change       ! changed the price of
order.quantity.change    ! changed the quantity of
order.currency.change    ! changed the currency of
order.terms.change       ! changed the terms of
order.approval.change    ! changed the approval of
order.status.change        changed the status of
order.status.revert      ! reverted the status of
order.line.add             added a line to
order.line.update          changed a line of
order.line.delete        ! deleted a line of
order.line.restore       ! restored a line of
requisition.create         created the requisition of
requisition.release        released the requisition of
confirmation.receive       received the confirmation of
confirmation.update        updated the confirmation of
declaration.submit         submitted the declaration of
declaration.approve        approved the declaration of
declaration.reject         rejected the declaration of
declaration.pay            paid the declaration of
payment.authorize          authorized the payment of
payment.capture            captured the payment of
payment.clear              cleared the payment of
payment.remind             sent a payment reminder for
payment.block            ! blocked the payment of
payment.unblock          ! unblocked the payment of
payment.refund           ! refunded
payment.void             ! voided the payment of
invoice.create             created an invoice for
invoice.receive            received an invoice for
invoice.update             updated an invoice for
invoice.cancel           ! cancelled an invoice for
memo.create              ! issued a memo for
receipt.record             recorded the receipt of
receipt.cancel           ! cancelled the receipt of
service.record             recorded a service for
shipment.create            created a shipment for
shipment.update            updated the shipment of
shipment.dispatch          dispatched
shipment.deliver           delivered
shipment.fail              failed to deliver
item.pick                  picked
item.stockout              found out of stock
item.reorder               reordered
return.create              opened a return for
return.receive             received the return of
transfer.fail              failed to transfer
key.rotate               ! rotated the signing key of
log.incident             ! found an incident in
log.restore              ! restored from a backup
log.reindex              ! rebuilt from its published tree
person.erase             ! erased the personal data of
capture.statement        ! ran a statement, whose rows are not told one by one, on
capture.filtered           left out by policy what was done to
capture.loss             ! found events missing that were captured by
capture.bypass           ! went past the application and changed
intake.receive             took in
intake.refuse            ! turned away what claimed to come from
intake.reuse             ! saw other bytes under a known id in
intake.late                kept and did not apply the late
intake.park                set aside, until what comes before it is there, the
intake.hold                held for review the
intake.dead_letter       ! could not take in the
intake.replay              gave back to be taken in the
intake.discard           ! discarded the
intake.suspend           ! stopped working on deliveries of
intake.resume              went on with deliveries of
evidence.search            searched
evidence.read              read the evidence of
evidence.prove             had proven
evidence.export          ! exported
identity.reveal          ! revealed the identity of
integrity.check            checked
bundle.make              ! made a bundle of
bundle.hand              ! handed over
case.open                  opened
case.add                   added to
case.sign                ! signed off
case.close               ! closed
view.save                  saved the view
link.share                 shared
access.signin              signed in to
access.signin.fail       ! failed to sign in to
access.signout             signed out of
access.deny              ! was denied
access.account.add       ! added the account of
access.account.change    ! changed the account of
access.role.change       ! changed the roles of
access.key.create        ! made a key for
access.key.withdraw      ! withdrew a key of
access.glass.break       ! broke the glass of
settings.change          ! changed the settings of
alert.raise              ! raised
alert.change               changed the state of
alert.close                closed
rule.change              ! changed the rule
rule.approve             ! approved the rule
rule.reject                turned down the rule
rule.adopt               ! took over as approved the rule
model.train                trained
model.validate             validated
model.approve            ! approved
model.deploy             ! put in use
model.retire             ! took out of use
model.drift              ! found drift in
suggestion.make            made
suggestion.decide          decided on
suggestion.execute       ! carried out
suggestion.result          learned what became of
suggestion.undo          ! undid
policy.propose           ! proposed
policy.approve           ! approved
policy.stop              ! stopped
notify.send                told of
notify.fail              ! could not tell of
notify.test                tried the route
notify.retry               had told again
notify.route.change      ! changed the route
external.fact              learned from outside of
link.propose               proposed a link for
link.decide              ! decided on a link of
link.undo                ! undid a link of
reconcile.exception      ! found a discrepancy in
reconcile.settle           settled a discrepancy in
retention.change         ! changed the retention of
retention.request          asked to let go
retention.approve        ! approved to let go
retention.deny           ! was refused to let go
retention.archive        ! archived
retention.purge          ! purged
hold.place               ! placed a legal hold on
hold.release             ! released a legal hold on
"""


def _parse_catalogue(text: str) -> Iterator[Action]:
    for line in text.split("\n"):
        if line:
            name, phrase = line.split(maxsplit=1)
            yield Action(name, phrase.removeprefix("! "), sensitive=phrase.startswith("! "))


class Catalogue(Mapping[str, Action]):
    """The actions that a trail knows, by name."""

    def __init__(self, extra: Iterable[Action] = ()) -> None:
        self._actions = {action.name: action for action in _parse_catalogue(_CATALOGUE)}
        problems = []
        for action in extra:
            if not _NAME.fullmatch(action.name):
                problems.append(
                    Problem(f"actions.{action.name}", "is not of the form thing.verb in lower case")
                )
            elif action.name in self._actions:
                problems.append(Problem(f"actions.{action.name}", "is in the catalogue already"))
            self._actions[action.name] = action
        if problems:
            raise InputError(problems, remedy="Correct the [actions] table of the trail's settings.")

    @property
    def own(self) -> list[str]:
        """Names of the actions that are the trail's own."""
        return [name for name in self._actions if name not in CATALOGUE]

    def __getitem__(self, name: str) -> Action:
        return self._actions[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._actions)

    def __len__(self) -> int:
        return len(self._actions)

    def suggest(self, name: str) -> str:
        """Say that an action is unknown, and which known one was probably meant."""
        near = difflib.get_close_matches(name, self._actions, n=1, cutoff=0.6)
        return f"{name!r} is not in the action catalogue" + (f"; did you mean {near[0]!r}?" if near else "")


CATALOGUE = Catalogue()
"""The actions that every trail knows."""
