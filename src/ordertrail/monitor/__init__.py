"""Watching: rules over what is sealed, and the alerts that they raise.

``rules`` are what is looked for (Sigma), ``stream`` looks for it, ``alerts`` is what becomes of what was found;
``watch`` follows the log, and ``service`` is what programs are handed.
"""
