"""Names that a capture has seen, for the file that is being written."""

from sniff import limits
from sniff.decode.batch import AppBatch
from sniff.decode.dns import DnsDecoder
from sniff.exchange.dns import DnsPairing
from sniff.exchange.names import Names


class NamesSeen:
    """Feed it every batch; it says which addresses have got a name, or another one."""

    def __init__(self) -> None:
        self._decoder = DnsDecoder()
        self._pairing = DnsPairing()
        self._names = Names()
        self._serial = 0
        self._known: dict[str, str] = {}

    def add(self, batch: AppBatch) -> dict[str, str]:
        """{address: name} of what is new."""
        self._names.learn(self._pairing.add(self._decoder.decode(batch.streams)))
        self._serial, learned = self._names.youngest(self._serial, limits.RECORDED_NAMES)
        new = {address: name for address, name in learned if self._known.get(address) != name}
        if new:
            if len(self._known) > limits.RECORDED_NAMES:
                self._known.clear()
            self._known |= new
        return new
