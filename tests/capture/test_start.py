"""Misconfiguration fails when capture starts, with the exact name and what to do; never at the first write."""

from typing import Any

import pytest
from sqlalchemy import Column, Engine, Integer, MetaData, String, Table, create_engine, text

from capture.shop import POLICY, Base
from ordertrail.capture import Policy
from ordertrail.capture.outbox import create_outbox, outbox_sql
from ordertrail.capture.sqlalchemy import capture
from ordertrail.kernel.errors import ConfigurationError


def policy(**rule: Any) -> Policy:
    """A policy of the orders table."""
    return Policy.from_dict({"tables": {"orders": {"order": "id", **rule}}})


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tables": {"ordrs": {"order": "id"}}}, r"no table ordrs in the database; did you mean orders\?"),
        (
            {"tables": {"orders": {"order": "nr"}}},
            r"tables\.orders\.order: table orders has no column nr; it has id, ",
        ),
        (
            {"tables": {"orders": {"order": "id", "ignore": ["upd"]}}},
            r"tables\.orders\.ignore: .* no column upd",
        ),
        (
            {"tables": {"orders": {"order": "id", "money": {"price": "EUR"}}}},
            r"tables\.orders\.money: .* no column price",
        ),
        (
            {"tables": {"orders": {"order": "id", "status": {"column": "s", "order": []}}}},
            r"status\.column: .* no column s",
        ),
        (
            {"tables": {"orders": {"order": "id", "actions": {"prise": "order.update"}}}},
            r"actions\.prise: is neither insert",
        ),
        ({"tables": {"allocations": {"order": "line_id.ordr"}}}, r"there is no column order_lines\.ordr"),
        ({"tables": {"orders": {"order": "status.id"}}}, r"orders\.status is no foreign key"),
    ],
)
def test_what_does_not_fit_the_database_is_named(
    bare_engine: Engine, wrong: dict[str, Any], told: str
) -> None:
    """Unknown tables and columns, and paths that lead nowhere, are named with their place in the policy."""
    create_outbox(bare_engine)
    with pytest.raises(ConfigurationError, match=told) as caught:
        capture(bare_engine, Policy.from_dict(wrong))
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"tables": {"orders": {}}}, r"tables"),
        ({"tables": {"orders": {"order": "id"}}, "tabels": {}}, r"tabels: is not a field here"),
        ({"tables": {"orders": {"order": 7}}}, r"tables\.orders\.order: must be a column"),
        ({"tables": {"orders": {"order": "id", "reads": 3}}}, r"reads: must be true, false, or a share"),
        (
            {"tables": {"orders": {"order": "id", "money": {"total": "EURO"}}}},
            r"'EURO' is not an ISO 4217 currency",
        ),
        (
            {"tables": {"orders": {"order": "id", "actions": {"total": "order.price.chnge"}}}},
            r"did you mean 'order.price.change'",
        ),
        (
            {"tables": {"orders": {"order": "id", "ignore": ["a"], "redact": ["a"]}}},
            r"names a, which ignore names too",
        ),
    ],
)
def test_a_policy_that_cannot_be_meant_is_refused(wrong: dict[str, Any], told: str) -> None:
    """A policy is read strictly: what is unknown or contradicts itself is named with its path."""
    with pytest.raises(ConfigurationError, match=told):
        Policy.from_dict(wrong)


def test_a_missing_outbox_is_told_with_its_remedy(bare_engine: Engine) -> None:
    """Without its tables nothing could be recorded, so capture does not start."""
    with pytest.raises(ConfigurationError, match=r"ordertrail_outbox.* is missing") as caught:
        capture(bare_engine, POLICY)
    assert "create_outbox" in caught.value.remedy


def test_a_table_without_a_primary_key_is_refused(bare_engine: Engine) -> None:
    """Rows that cannot be told apart cannot be audited."""
    Table("notes", MetaData(), Column("order_id", Integer), Column("text", String(20))).create(bare_engine)
    create_outbox(bare_engine)
    with pytest.raises(ConfigurationError, match="table notes has no primary key"):
        capture(bare_engine, Policy.from_dict({"tables": {"notes": {"order": "order_id"}}}))


def test_a_type_that_no_event_can_hold_is_refused_until_it_is_mapped(bare_engine: Engine) -> None:
    """The column is named, and the three ways out; with one of them taken, capture starts."""
    kind = "tsvector" if bare_engine.dialect.name == "postgresql" else "geometry"
    with bare_engine.begin() as connection:
        connection.execute(text(f"CREATE TABLE places (id integer PRIMARY KEY, shape {kind})"))
    create_outbox(bare_engine)
    rule = {"order": "id"}
    if bare_engine.dialect.name == "postgresql":
        with pytest.raises(ConfigurationError, match=r"column places\.shape is of type .* under text"):
            capture(bare_engine, Policy.from_dict({"tables": {"places": rule}}))
    capture(bare_engine, Policy.from_dict({"tables": {"places": {**rule, "text": ["shape"]}}}))


def test_personal_columns_need_a_sealer(bare_engine: Engine) -> None:
    """Rather than record personal values in the open, capture does not start."""
    create_outbox(bare_engine)
    with pytest.raises(ConfigurationError, match=r"tables\.orders\.personal .* no sealer"):
        capture(bare_engine, policy(personal={"note": "customer_id"}))


def test_an_outbox_can_be_made_by_a_migration(bare_engine: Engine) -> None:
    """The DDL text makes the very tables that create_outbox makes."""
    with bare_engine.begin() as connection:
        for statement in outbox_sql(bare_engine.dialect.name).split(";\n"):
            if statement:
                connection.exec_driver_sql(statement)
    capture(bare_engine, POLICY)
    create_outbox(bare_engine)  # where they are, nothing happens


def test_a_database_of_another_kind_is_told() -> None:
    """There is an outbox for two kinds of databases, and that is said."""
    with pytest.raises(ConfigurationError, match="no outbox for mysql"):
        outbox_sql("mysql")
    engine = create_engine("sqlite://")
    Base.metadata.create_all(engine)
    with pytest.raises(ConfigurationError, match="outbox is not there"):
        capture(engine, POLICY)
