"""Witnesses over HTTP: the client of other people's, and a server for ours."""
