"""sniff: what is really on the wire, from a capture file or live.

    import sniff

    capture = sniff.read("trace.pcapng")
    for exchange in capture.exchanges:
        print(exchange.url(), exchange.status, exchange.phases)

Names are imported when they are first used, so that `import sniff` costs next to nothing.
"""

import typing as _typing
from importlib import import_module as _import_module

from sniff._version import __version__ as __version__
from sniff.errors import CapturePermission, FilterError, InputError, MissingTool, SniffError, UsageError

if _typing.TYPE_CHECKING:
    from os import PathLike

    from sniff.api import Capture, Packet
    from sniff.decode.dns_message import DnsMessage
    from sniff.decode.message import Message
    from sniff.exchange.dns import DnsExchange
    from sniff.exchange.http import Exchange
    from sniff.notes import Note
    from sniff.report.summary import Summary

__all__ = [
    "Capture", "CapturePermission", "DnsExchange", "DnsMessage", "Exchange", "FilterError", "InputError", "Message",
    "MissingTool", "Note", "Packet", "SniffError", "Summary", "UsageError", "__version__", "read",
]

_LATER = {
    "Capture": "sniff.api", "DnsExchange": "sniff.exchange.dns", "DnsMessage": "sniff.decode.dns_message",
    "Exchange": "sniff.exchange.http", "Message": "sniff.decode.message", "Note": "sniff.notes", "Packet": "sniff.api",
    "Summary": "sniff.report.summary",
}
"""{name: module it comes from} of the names that are imported when they are first used."""


def __getattr__(name: str) -> object:
    if name not in _LATER:
        raise AttributeError(f"module 'sniff' has no attribute '{name}'")
    value = globals()[name] = getattr(_import_module(_LATER[name]), name)
    return value


def __dir__() -> list[str]:
    return sorted({*globals(), *__all__})


def read(path: "str | PathLike[str]", *more: "str | PathLike[str]") -> "Capture":
    """The capture in a file, or in several files read as one in time order.

    Nothing but the beginning of the file is read before it is asked for.
    Raises InputError when a file cannot be opened or is no capture.
    """
    from sniff.api import Capture
    return Capture(path, *more)
