"""Which exchanges make a page: HAR groups what a browser fetched for one document.

A document (HTML, or what redirects to it) begins a page. Whatever names it as its Referer belongs to it, and so does what names
something that belongs to it (a style sheet's fonts). What names nobody belongs to the page of the same client and host if that
was loading just before.
"""

import re
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass

from sniff import limits
from sniff.decode import fields
from sniff.decode.columns import M_STATUS
from sniff.exchange import http_columns as x
from sniff.exchange.http import Exchange, Exchanges
from sniff.report.secret_urls import har_url, masked_url

LOADING_NS = 10_000_000_000
"""After so long without an exchange, a page is no longer loading."""

TITLE_CHARACTERS = 512

_HINT = re.compile(rb"\nreferer", re.IGNORECASE).search
_DOCUMENT = re.compile(rb"html", re.IGNORECASE).search
_DOCUMENTS = ("text/html", "application/xhtml+xml")


@dataclass(slots=True)
class Page:
    """A page.

    number      1, 2, 3 ... in the order in which they were met
    documented  its document was seen (or what redirects to it)
    last_ns     when the last exchange of it ended
    """

    number: int
    title: str
    start_ns: int
    last_ns: int
    documented: bool = False


class Pages:
    """The pages of a capture: give it the exchanges as they are over; iterate it for the pages.

    At most limits.HAR_PAGES; exchanges of further ones belong to no page.
    """

    def __init__(self) -> None:
        self._pages: list[Page] = []
        self._by_url: OrderedDict[int, Page] = OrderedDict()       # by hash of client and URL
        self._latest: OrderedDict[int, Page] = OrderedDict()       # ... of client and host

    def __iter__(self) -> Iterator[Page]:
        yield from self._pages

    def all_of(self, exchanges: Exchanges, secrets: bool = False) -> list[int]:
        """of() for some exchanges, without looking at each where nothing in their heads can make a page."""
        status = exchanges.rows[:, x.X_RESPONSE + M_STATUS]
        if not self._latest and not ((status >= 300) & (status < 400)).any():
            heads = exchanges.heads.data
            if not _HINT(heads) and not _DOCUMENT(heads):
                return [0] * len(exchanges)
        return [self.of(exchange, secrets) for exchange in exchanges]

    def of(self, exchange: Exchange, secrets: bool = False) -> int:
        """The number of the page that an exchange belongs to; 0 when it belongs to none."""
        request, response = exchange.request, exchange.response
        if request is None:
            return 0
        status = response.status if response is not None else 0
        if not self._latest and not 300 <= status < 400 and not _HINT(request.head) \
                and (response is None or not _DOCUMENT(response.head)):
            return 0
        client = exchange.connection.client
        url = har_url(exchange, secrets)
        referer = masked_url(fields.text(request.get(b"referer")).partition("#")[0], secrets)
        document = response is not None and 200 <= status < 400 and _is_document(exchange)
        location = fields.text(response.get(b"location")) if response is not None and 300 <= status < 400 else ""
        if not referer and not document and not location and not self._latest:
            return 0
        page = self._find(exchange, client, url, referer, document or bool(location and not referer))
        if page is None:
            return 0
        page.start_ns, page.last_ns = min(page.start_ns, exchange.start_ns), max(page.last_ns, exchange.end_ns)
        self._remember(self._by_url, hash((client, url)), page)
        self._remember(self._latest, hash((client, _host(url))), page)
        if location:
            target = location if "://" in location[:12] else _origin(url) + ("" if location[:1] == "/" else "/") + location
            self._remember(self._by_url, hash((client, target)), page)
        return page.number

    def _find(self, exchange: Exchange, client: str, url: str, referer: str, opens: bool) -> Page | None:
        start_ns = exchange.start_ns
        own = self._by_url.get(hash((client, url)))
        if opens:
            if own is not None and start_ns - own.last_ns <= LOADING_NS and (not own.documented or exchange.status >= 300
                                                                            or own.title != url):
                own.documented = exchange.status < 300
                return own      # what it needs came first, or a redirect led here
            return self._new(url, start_ns, exchange.status < 300)
        if referer:
            page = self._by_url.get(hash((client, referer)))
            if page is None and referer.rstrip("/") == _origin(referer):    # browsers tell other hosts no more than this
                page = self._latest.get(hash((client, _host(referer))))
            if page is None:        # its document was not captured, or is still to end
                page = self._new(referer, start_ns, False)
                if page is not None:
                    self._remember(self._by_url, hash((client, referer)), page)
            return page
        page = self._latest.get(hash((client, _host(url))))
        return page if page is not None and start_ns - page.last_ns <= LOADING_NS else None

    def _new(self, url: str, start_ns: int, documented: bool) -> Page | None:
        if len(self._pages) >= limits.HAR_PAGES:
            return None
        page = Page(len(self._pages) + 1, url[:TITLE_CHARACTERS], start_ns, start_ns, documented)
        self._pages.append(page)
        return page

    def _remember(self, table: "OrderedDict[int, Page]", key: int, page: Page) -> None:
        table[key] = page
        if len(table) > limits.HAR_URLS:
            table.popitem(last=False)


def _is_document(exchange: Exchange) -> bool:
    """Whether an exchange fetched something that a browser shows in a window."""
    request, response = exchange.request, exchange.response
    assert request is not None and response is not None
    if response.status >= 300 or request.method not in (b"GET", b"POST") or response.media_type not in _DOCUMENTS:
        return False
    return request.get(b"sec-fetch-dest", b"document") == b"document" and not request.get(b"x-requested-with")


def _origin(url: str) -> str:
    scheme, separator, rest = url.partition("://")
    return f"{scheme}{separator}{rest.partition('/')[0]}"


def _host(url: str) -> str:
    return url.partition("://")[2].partition("/")[0]
