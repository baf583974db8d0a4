"""The auditor's pages: one module a page, each with its address and what its template may read.

A page asks the services, puts what they answer into a frozen dataclass in the words of its reader, and hands it to one
template, which reads nothing else. ``rendering`` is the only place that knows the template engine.
"""
