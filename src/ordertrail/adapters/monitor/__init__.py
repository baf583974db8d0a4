"""Where watching keeps its state and its alerts: SQLite or PostgreSQL, through SQLAlchemy Core."""
