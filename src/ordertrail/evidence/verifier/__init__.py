"""Verifiers that need nothing of ours: a page for any browser, and a program for Python; both go into each bundle."""
