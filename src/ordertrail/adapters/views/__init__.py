"""Saved views and permanent links on SQLite or PostgreSQL, through SQLAlchemy Core."""
