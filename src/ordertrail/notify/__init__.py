"""Telling people at once: which sealed events make messages, who gets them, when, and what became of each. Pure."""
