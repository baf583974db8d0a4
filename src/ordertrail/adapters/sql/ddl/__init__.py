"""The schemas, as SQL: one file a database."""
