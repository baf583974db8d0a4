"""The kinds of database: what each does in its own way, behind :mod:`ordertrail.adapters.sql.database`."""
