"""Journal, entries and people's keys in a SQL database, through SQLAlchemy Core."""
