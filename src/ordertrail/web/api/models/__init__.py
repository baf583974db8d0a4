"""What goes over the wire, as pydantic models: the documents of the REST interface, for server and client alike.

Times are RFC 3339 in UTC with six digits of fraction; money is minor units with an ISO 4217 currency; a field that is
absent is not the same as null.
"""
