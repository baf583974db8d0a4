"""The tables of correlation's projections: facts, cards, links, exceptions, reckonings. All of it can be made again.

Facts, links and exceptions are made of the trail's events, cards of the orders. What is asked for has columns of its
own; the rest is JSON. ``payer`` is a token by which equal addresses are known; it goes with the person.
"""

from typing import Any

from sqlalchemy import BigInteger, Column, Index, Integer, LargeBinary, MetaData, Table, Text

metadata = MetaData()


def _key(name: str) -> Column[Any]:
    return Column(name, Text, primary_key=True)


facts = Table(
    "correlate_facts",
    metadata,
    _key("system"),
    _key("account"),
    _key("kind"),
    _key("id"),
    Column("thing", Text, nullable=False),
    Column("time", Text, nullable=False),
    Column("fact", LargeBinary, nullable=False),
    Index("correlate_facts_thing", "thing", "time"),
)
fact_keys = Table("correlate_fact_keys", metadata, _key("kind"), _key("value"), _key("thing"))
payers = Table("correlate_payers", metadata, _key("thing"), Column("payer", Text, nullable=False))
cards = Table(
    "correlate_cards",
    metadata,
    _key("order"),
    Column("tenant", Text),
    Column("amount", BigInteger),
    Column("currency", Text),
    Column("placed", Text),
    Column("payer", Text),
    Index("correlate_cards_amount", "amount", "currency", "placed"),
)
card_keys = Table(
    "correlate_card_keys",
    metadata,
    _key("kind"),
    _key("value"),
    _key("order"),
    Index("correlate_card_keys_order", "order"),
)
links = Table(
    "correlate_links",
    metadata,
    _key("thing"),
    _key("order"),
    Column("state", Text, nullable=False),
    Column("confidence", Integer, nullable=False),
    Column("link", LargeBinary, nullable=False),
    Index("correlate_links_order", "order"),
    Index("correlate_links_state", "state", "confidence"),
)
exceptions = Table(
    "correlate_exceptions",
    metadata,
    _key("order"),
    _key("kind"),
    Column("standing", Text, nullable=False),
    Column("amount", BigInteger, nullable=False),
    Column("exceptional", LargeBinary, nullable=False),
    Index("correlate_exceptions_standing", "standing", "amount"),
)
reckonings = Table(
    "correlate_reckonings", metadata, _key("time"), Column("reckoning", LargeBinary, nullable=False)
)
