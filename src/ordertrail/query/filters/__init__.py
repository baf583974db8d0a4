"""The one grammar of filters: of URLs, the API, the command line, rules and saved views.

Each term owns its SQL, its English sentence, its Python predicate and its spelling; a law holds them equal. ``terms``
are the kinds of terms, ``fields`` what they may be about, ``when`` times, ``changed`` values before and after;
``grammar`` reads and writes all of them.
"""
