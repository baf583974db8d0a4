"""Intake's inbox, kept: in tables beside the orders (SQLite, PostgreSQL), in memory for tests, large bodies in files.

The order tables are handed in (:class:`.database.OrderTables`), and so is what puts events into the outbox: adapters do
not know each other.
"""
