"""sniff: what is really on the wire, from a capture file or live."""

from sniff._version import __version__ as __version__
