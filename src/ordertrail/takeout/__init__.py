"""Exports that somebody asked for and that are made in the background: what each is, and where it stands."""
