"""How a source is asked for what changed: the address, and how its answer goes on. Pure.

An address and its parameters may hold:

==============  ================================================================
``{since}``     the time from which on: ``2026-11-22T14:02:10Z`` (RFC 3339, UTC)
``{since_sql}`` the same as ``2026-11-22 14:02:10``
``{since_unix}``the same in seconds since 1970
``{page}``      the number of the page, from 1
``{offset}``    orders on the pages before it
``{size}``      orders on a page
``{cursor}``    what the page before said; a parameter that holds it is left out of the first
==============  ================================================================

What stands for a value is percent-encoded. An answer goes on to its next page by one of :class:`Paging`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from enum import StrEnum
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote, urlencode, urljoin, urlsplit

from ordertrail.kernel.errors import UnavailableError

SIZE: Final = 100


class Paging(StrEnum):
    """How an answer says that there is more."""

    LINK = "link"
    """A Link header whose relation is ``next`` (RFC 8288)."""
    ADDRESS = "address"
    """An address in the answer."""
    CURSOR = "cursor"
    """A word in the answer that is said with the next question."""
    NUMBER = "number"
    """It does not: pages are counted, and one that is not full is the last."""


@dataclass(frozen=True, slots=True)
class Asked:
    """Where an answer's pages are asked for: the time from which on, and what leads to this page."""

    since: str
    page: int = 1
    leads: str | None = None
    """The next page's address or word, as the page before said."""


@dataclass(frozen=True, slots=True)
class Page:
    """An answer. ``link`` is where its Link header says that it goes on; ``tree`` reads its body."""

    body: bytes
    link: str | None = None


@dataclass(frozen=True, slots=True)
class Plan:
    """How one source is asked. ``at`` points at what the paging looks for: RFC 6901 in the answer's JSON."""

    path: str
    parameters: Mapping[str, str] = field(default_factory=dict)
    paging: Paging = Paging.LINK
    at: str = ""
    size: int = SIZE
    credential: str = "bearer"
    """How the secret is said: ``bearer``, ``basic``, or a header's name."""

    def address(self, base: str, asked: Asked) -> str:
        """Return the address of a page. Raises UnavailableError where an answer leads to another server."""
        if self.paging in {Paging.LINK, Paging.ADDRESS} and asked.leads is not None:
            return _within(base, asked.leads)
        values = values_of(asked, self.size)
        path = self.path.format_map({name: quote(value, safe="") for name, value in values.items()})
        said = {
            name: text.format_map(values)
            for name, text in self.parameters.items()
            if asked.leads is not None or "{cursor}" not in text
        }
        return f"{base.rstrip('/')}{path}" + (f"?{urlencode(said, quote_via=quote)}" if said else "")

    def body(self, asked: Asked) -> bytes | None:  # noqa: ARG002 - see the port: what is only got posts nothing
        """Return None: a list of orders is got."""
        return None

    def next(self, asked: Asked, page: Page, tree: Any) -> Asked | None:
        """Return where the next page is asked for, None after the last. ``tree`` is the answer's JSON."""
        leads: str | None = None
        match self.paging:
            case Paging.LINK:
                leads = page.link
            case Paging.ADDRESS | Paging.CURSOR:
                found = pointed(tree, self.at)
                leads = str(found) if isinstance(found, str | int) and found != "" else None
            case Paging.NUMBER:
                orders = pointed(tree, self.at)
                leads = str(asked.page + 1) if isinstance(orders, list) and len(orders) >= self.size else None
        return None if leads is None else Asked(asked.since, asked.page + 1, leads)


def values_of(asked: Asked, size: int = SIZE) -> dict[str, str]:
    """Return what the words of an address stand for."""
    time = datetime.fromisoformat(asked.since).astimezone(UTC)
    return {
        "since": f"{time:%Y-%m-%dT%H:%M:%SZ}",
        "since_sql": f"{time:%Y-%m-%d %H:%M:%S}",
        "since_unix": str(int(time.timestamp())),
        "page": str(asked.page),
        "offset": str((asked.page - 1) * size),
        "size": str(size),
        "cursor": asked.leads or "",
    }


def pointed(tree: Any, pointer: str) -> Any:
    """Return what a JSON pointer (RFC 6901) points at, None where nothing is there."""
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(tree, dict):
            tree = tree.get(name)
        elif isinstance(tree, list) and name.isdecimal() and int(name) < len(tree):
            tree = tree[int(name)]
        else:
            return None
    return tree


def _within(base: str, leads: str) -> str:
    """Return an address that an answer gave, if it is of the same server: it gets our secret."""
    whole = urljoin(base, leads)
    if _origin(whole) != _origin(base):
        raise UnavailableError(
            "its answer leads to another server, which is not asked",
            meaning="The pages before were taken in; those after were not.",
            remedy="Look at the source; where its pages lie elsewhere by right, name that server in url of its poll.",
        )
    return whole


def _origin(url: str) -> tuple[str, str | None, int | None]:
    try:
        parts = urlsplit(url)
        return parts.scheme, parts.hostname, parts.port or {"https": 443, "http": 80}.get(parts.scheme)
    except ValueError:
        return "", None, None


PLANS: Final = MappingProxyType(
    {
        # https://shopify.dev/docs/api/admin-rest/latest/resources/order#get-orders
        "shopify": Plan(
            "/orders.json",
            {"status": "any", "limit": "250", "order": "updated_at asc", "updated_at_min": "{since}"},
            credential="X-Shopify-Access-Token",
        ),
        # https://woocommerce.github.io/woocommerce-rest-api-docs/#list-all-orders
        "woocommerce": Plan(
            "/wp-json/wc/v3/orders",
            {
                "per_page": "{size}",
                "orderby": "modified",
                "order": "asc",
                "modified_after": "{since}",
                "dates_are_gmt": "true",
            },
            credential="basic",
        ),
        # https://developer.bigcommerce.com/docs/rest-management/orders#get-all-orders
        "bigcommerce": Plan(
            "/v2/orders",
            {
                "limit": "{size}",
                "page": "{page}",
                "sort": "date_modified:asc",
                "min_date_modified": "{since}",
                "include": "consignments,consignments.line_items",
            },
            Paging.NUMBER,
            credential="X-Auth-Token",
        ),
        # https://developer.adobe.com/commerce/webapi/rest/use-rest/performing-searches/
        "magento": Plan(
            "/rest/V1/orders",
            {
                "searchCriteria[filter_groups][0][filters][0][field]": "updated_at",
                "searchCriteria[filter_groups][0][filters][0][value]": "{since_sql}",
                "searchCriteria[filter_groups][0][filters][0][condition_type]": "gteq",
                "searchCriteria[sortOrders][0][field]": "updated_at",
                "searchCriteria[sortOrders][0][direction]": "ASC",
                "searchCriteria[pageSize]": "{size}",
                "searchCriteria[currentPage]": "{page}",
            },
            Paging.NUMBER,
            "/items",
        ),
        # https://docs.commercetools.com/api/projects/orders#query-orders
        "commercetools": Plan(
            "/orders",
            {
                "where": 'lastModifiedAt >= "{since}"',
                "sort": "lastModifiedAt asc",
                "limit": "{size}",
                "offset": "{offset}",
            },
            Paging.NUMBER,
            "/results",
        ),
        # https://developer.ebay.com/api-docs/sell/fulfillment/resources/order/methods/getOrders
        "ebay": Plan(
            "/sell/fulfillment/v1/order",
            {"filter": "lastmodifieddate:[{since}..]", "limit": "{size}"},
            Paging.ADDRESS,
            "/next",
        ),
    }
)
"""How the channels whose sources answer with whole orders are asked, by the pages cited."""
