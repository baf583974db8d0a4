"""Migrations: the outbox, in the application's own database."""
