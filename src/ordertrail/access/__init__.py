"""Who may do what: people and services, their roles as verbs, their scope, and how they are known. Knows no web.

``verbs``, ``roles`` and ``principal`` say what may be done; ``account``, ``session``, ``key``, ``ticket`` and
``throttle`` are what is kept; ``passwords``, ``totp`` and ``secrets`` how somebody proves who they are. ``entrance``
lets people in and ``recognising`` knows them again, ``administration``, ``factors`` and ``keyring`` change who may come
and how, ``glass`` gives more for a short time, ``federation`` trusts another house. Every change is an event
(``telling``).
"""
