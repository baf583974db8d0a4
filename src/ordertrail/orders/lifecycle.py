"""The four lifecycles. Each line: from, to, what it takes, name, action, phrase.

The order's is a merge of the open ones that name their reversions (Moqui Mantle UDM, Apache OFBiz), of UBL's
OrderChange and OrderResponse, and of what channels do; payment, fulfilment and return follow what gateways and carriers
report, backward moves included (a dispute that is won, a refund that fails, a scan that a carrier takes back).

``>`` is allowed, ``!`` needs approval, ``<`` is a reversion; ``*`` after it: the system only.
"""

from collections.abc import Iterator

from ordertrail.orders.machine import Machine, Need, State, Transition
from ordertrail.orders.statuses import FulfilmentStatus, OrderStatus, PaymentStatus, ReturnStatus

VERSION = "1"
"""Of these tables. Who replaces lines (:meth:`ordertrail.orders.machine.Machine.replaced`) gives another."""

_NEEDS = {">": Need.ALLOWED, "!": Need.APPROVAL, "<": Need.REVERSION}

_ORDER = """
received             > validated            validate             order.approve        checked and found right
received             >* quarantined         quarantine           order.hold           set aside
received             > rejected             reject               order.reject         rejected
quarantined          < validated            repair               order.release        repaired and released
quarantined          ! rejected             discard              order.reject         discarded
validated            > accepted             accept               order.confirm        accepted
validated            > on_hold              hold                 order.hold           put on hold
validated            > rejected             reject               order.reject         rejected
validated            > cancelled            cancel               order.cancel         cancelled
on_hold              < validated            release              order.release        released
on_hold              < accepted             release              order.release        released
on_hold              < processing           release              order.release        released
on_hold              < partially_fulfilled  release              order.release        released
on_hold              > rejected             reject               order.reject         rejected
on_hold              > cancelled            cancel               order.cancel         cancelled
accepted             > processing           process              order.status.change  began to work on
accepted             > on_hold              hold                 order.hold           put on hold
accepted             > being_changed        begin-change         order.status.change  began to change
accepted             > cancelled            cancel               order.cancel         cancelled
accepted             < validated            un-accept            order.status.revert  took back the acceptance of
being_changed        > accepted             end-change           order.status.change  ended the change of
being_changed        > processing           end-change           order.status.change  ended the change of
being_changed        > on_hold              hold                 order.hold           put on hold
being_changed        > cancelled            cancel               order.cancel         cancelled
processing           > partially_fulfilled  ship-part            order.status.change  shipped a part of
processing           > fulfilled            ship                 order.status.change  shipped all of
processing           > on_hold              hold                 order.hold           put on hold
processing           ! being_changed        begin-change         order.status.change  began to change
processing           ! cancelled            cancel               order.cancel         cancelled
processing           < accepted             un-process           order.status.revert  took back the work on
partially_fulfilled  > fulfilled            ship                 order.status.change  shipped the rest of
partially_fulfilled  > on_hold              hold                 order.hold           put on hold
partially_fulfilled  ! cancelled_remainder  cancel-remainder     order.cancel         cancelled the remainder of
partially_fulfilled  < processing           un-ship              order.status.revert  took back the shipping of
cancelled_remainder  > completed            complete             order.complete       completed
cancelled_remainder  < partially_fulfilled  reinstate-remainder  order.status.revert  reinstated the remainder of
fulfilled            > completed            complete             order.complete       completed
fulfilled            > return_in_progress   begin-return         return.create        opened a return for
fulfilled            < partially_fulfilled  un-ship              order.status.revert  took back some shipping of
completed            > return_in_progress   begin-return         return.create        opened a return for
completed            < fulfilled            un-complete          order.status.revert  took back the completion of
completed            > archived             archive              order.status.change  archived
return_in_progress   > returned             end-return           return.receive       received back all of
return_in_progress   > partially_returned   end-return           return.receive       received back a part of
return_in_progress   < fulfilled            cancel-return        order.status.revert  cancelled the return of
partially_returned   > return_in_progress   begin-return         return.create        opened another return for
partially_returned   > completed            complete             order.complete       completed
returned             > archived             archive              order.status.change  archived
cancelled            < accepted             reinstate            order.status.revert  reinstated
cancelled            > archived             archive              order.status.change  archived
rejected             < quarantined          appeal               order.status.revert  took back the rejection of
rejected             > archived             archive              order.status.change  archived
"""

_PAYMENT = """
none                 > pending              begin                order.status.change  began the payment of
pending              > authorized           authorize            payment.authorize    authorized the payment of
pending              > partially_paid       take-part            payment.capture      took a part of the payment of
pending              > paid                 take                 payment.capture      took the payment of
pending              > overpaid             take                 payment.capture      took more than the payment of
pending              > failed               fail                 order.status.change  failed to take the payment of
pending              > voided               void                 payment.void         voided the payment of
pending              > expired              expire               order.status.change  let expire the payment of
authorized           > partially_paid       capture-part         payment.capture      captured a part of the payment of
authorized           > paid                 capture              payment.capture      captured the payment of
authorized           > overpaid             capture              payment.capture      captured more than the payment of
authorized           > voided               void                 payment.void         voided the payment of
authorized           > expired              expire               order.status.change  let expire the authorization of
authorized           > failed               decline              order.status.change  declined the payment of
authorized           < pending              un-authorize         order.status.revert  took back the authorization of
partially_paid       > paid                 take-rest            payment.capture      took the rest of the payment of
partially_paid       > overpaid             take-rest            payment.capture      took more than the payment of
partially_paid       ! partially_refunded   refund               payment.refund       refunded a part of
partially_paid       ! refunded             refund               payment.refund       refunded
partially_paid       > disputed             dispute              payment.block        disputed the payment of
partially_paid       < authorized           un-capture           order.status.revert  took back the capture of
partially_paid       < pending              un-pay               order.status.revert  took back the payment of
paid                 ! partially_refunded   refund               payment.refund       refunded a part of
paid                 ! refunded             refund               payment.refund       refunded
paid                 > overpaid             take-again           payment.capture      took more than the payment of
paid                 > disputed             dispute              payment.block        disputed the payment of
paid                 < partially_paid       un-capture           order.status.revert  took back a part of the capture of
paid                 < authorized           un-capture           order.status.revert  took back the capture of
paid                 < pending              un-pay               order.status.revert  took back the payment of
overpaid             ! paid                 refund-excess        payment.refund       refunded the excess of
overpaid             ! partially_refunded   refund               payment.refund       refunded a part of
overpaid             ! refunded             refund               payment.refund       refunded
overpaid             > disputed             dispute              payment.block        disputed the payment of
partially_refunded   ! refunded             refund               payment.refund       refunded the rest of
partially_refunded   > disputed             dispute              payment.block        disputed the payment of
partially_refunded   < paid                 un-refund            order.status.revert  took back the refund of
refunded             < partially_refunded   un-refund            order.status.revert  took back a part of the refund of
refunded             < paid                 un-refund            order.status.revert  took back the refund of
disputed             < paid                 win-dispute          payment.unblock      won the dispute over
disputed             < partially_paid       win-dispute          payment.unblock      won the dispute over
disputed             < partially_refunded   win-dispute          payment.unblock      won the dispute over
disputed             > charged_back         lose-dispute         order.status.change  lost the dispute over
charged_back         < paid                 un-charge-back       order.status.revert  took back the chargeback of
failed               > pending              try-again            order.status.change  tried again to take the payment of
failed               > voided               void                 payment.void         voided the payment of
voided               < pending              un-void              order.status.revert  took back the voiding of
expired              > pending              try-again            order.status.change  tried again to take the payment of
"""

_FULFILMENT = """
unfulfilled          > backordered          backorder            item.stockout        backordered
unfulfilled          > held                 hold                 order.hold           held back the shipping of
unfulfilled          > partial              ship-part            shipment.dispatch    shipped a part of
unfulfilled          > fulfilled            ship                 shipment.dispatch    shipped
unfulfilled          > ready_for_pickup     set-out              shipment.update      set out for pickup
unfulfilled          > cancelled            cancel               shipment.update      cancelled the shipment of
backordered          > unfulfilled          restock              item.reorder         has again what was ordered by
backordered          > cancelled            cancel               shipment.update      cancelled the shipment of
held                 < unfulfilled          release              order.release        released the shipping of
held                 > cancelled            cancel               shipment.update      cancelled the shipment of
partial              > fulfilled            ship-rest            shipment.dispatch    shipped the rest of
partial              > held                 hold                 order.hold           held back the rest of
partial              < unfulfilled          un-ship              order.status.revert  took back the shipping of
held                 < partial              release              order.release        released the rest of
fulfilled            > in_transit           pick-up              shipment.update      carries
fulfilled            > out_for_delivery     load                 shipment.update      is delivering
fulfilled            > ready_for_pickup     set-out              shipment.update      set out for pickup
fulfilled            > delivered            deliver              shipment.deliver     delivered
fulfilled            > exception            fail                 shipment.fail        failed to deliver
fulfilled            < partial              un-ship              order.status.revert  took back some shipping of
fulfilled            < unfulfilled          un-ship              order.status.revert  took back the shipping of
in_transit           > out_for_delivery     load                 shipment.update      is delivering
in_transit           > ready_for_pickup     set-out              shipment.update      set out for pickup
in_transit           > delivered            deliver              shipment.deliver     delivered
in_transit           > exception            fail                 shipment.fail        failed to deliver
in_transit           > returned_to_sender   send-back            shipment.fail        sent back
in_transit           < fulfilled            un-scan              order.status.revert  took back a scan of
out_for_delivery     > delivered            deliver              shipment.deliver     delivered
out_for_delivery     > ready_for_pickup     set-out              shipment.update      set out for pickup
out_for_delivery     > exception            fail                 shipment.fail        failed to deliver
out_for_delivery     < in_transit           un-load              order.status.revert  took back to the depot
ready_for_pickup     > delivered            hand-over            shipment.deliver     handed over
ready_for_pickup     > returned_to_sender   send-back            shipment.fail        sent back
exception            > in_transit           resume               shipment.update      carries on with
exception            > out_for_delivery     load                 shipment.update      is delivering
exception            > ready_for_pickup     set-out              shipment.update      set out for pickup
exception            > delivered            deliver              shipment.deliver     delivered
exception            > returned_to_sender   send-back            shipment.fail        sent back
delivered            < in_transit           un-deliver           order.status.revert  took back the delivery of
returned_to_sender   < in_transit           resume               order.status.revert  took back the sending back of
returned_to_sender   ! unfulfilled          ship-again           shipment.create      prepared once more the shipment of
cancelled            < unfulfilled          reinstate            order.status.revert  reinstated the shipment of
"""

_RETURN = """
none                 > requested            request              return.create        asked to return
none                 > approved             approve              return.create        opened a return for
requested            > approved             approve              order.approve        approved the return of
requested            > rejected             reject               order.reject         rejected the return of
requested            > cancelled            cancel               order.update         cancelled the return of
approved             > received             receive              return.receive       received the return of
approved             > cancelled            cancel               order.update         cancelled the return of
approved             ! refunded             refund-unseen        payment.refund       refunded without receiving
received             ! refunded             refund               payment.refund       refunded the return of
received             ! rejected             reject               order.reject         rejected the return of
refunded             < received             un-refund            order.status.revert  took back the refund for
received             < approved             un-receive           order.status.revert  took back the receipt of
rejected             < requested            appeal               order.status.revert  took back the refusal of
cancelled            < requested            reinstate            order.status.revert  reinstated the return of
"""


def _lines(text: str, states: type[State]) -> Iterator[Transition[State]]:
    for row in text.strip().split("\n"):
        before, sign, after, name, action, phrase = row.split(maxsplit=5)
        need = _NEEDS[sign[0]]
        yield Transition(states(before), states(after), name, phrase, action, need, system=sign.endswith("*"))


ORDER = Machine("order", VERSION, OrderStatus.RECEIVED, _lines(_ORDER, OrderStatus))
"""Of an order as a whole."""

PAYMENT = Machine("payment", VERSION, PaymentStatus.NONE, _lines(_PAYMENT, PaymentStatus))
"""Of a payment, and of all payments of an order together."""

FULFILMENT = Machine(
    "fulfilment", VERSION, FulfilmentStatus.UNFULFILLED, _lines(_FULFILMENT, FulfilmentStatus)
)
"""Of a parcel, and of all that an order brings."""

RETURN = Machine("return", VERSION, ReturnStatus.NONE, _lines(_RETURN, ReturnStatus))
"""Of a return."""
