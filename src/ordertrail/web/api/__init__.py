"""The REST interface, version 1: a module for each resource, over the services of a trail.

``models`` is what goes over the wire, and imports no web library: the client is made of the same.
"""
