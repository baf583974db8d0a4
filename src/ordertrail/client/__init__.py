"""The client of the REST interface: typed, of the same documents that the server answers with.

::

    from ordertrail.client import Client, questions

    with Client("https://trail.example.com", key) as trail:
        for found in trail.search("actor:clerk-17 when:last-7-days lowered:unit_price>20%"):
            print(found.sentence)
        trail.ask(questions.order("SO-1042", prove=True)).chain
        trail.record([event])                    # durable when it returns; sent again where that is needed
        trail.prove(event.id).check([vkey])      # offline, by the verifier of this package

It needs the extra ``client``: ``pip install 'ordertrail[client]'``.
"""

from ordertrail.client.asynchronous import AsyncClient
from ordertrail.client.errors import AnswerError, RefusedError
from ordertrail.client.proofs import Proven
from ordertrail.client.synchronous import Client

__all__ = ["AnswerError", "AsyncClient", "Client", "Proven", "RefusedError"]
