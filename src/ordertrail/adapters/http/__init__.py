"""Asking others over HTTP."""
