"""What was wrong with an input file: rows of the notes table, and the one line for standard error."""

from sniff.capture import scan
from sniff.notes import Code, Notes

_FAULTS = {
    scan.TOO_LONG: "a record longer than any can be",
    scan.SHORT_BLOCK: "a block too short for its kind",
    scan.LENGTHS_DIFFER: "the two lengths of a block differ",
    scan.NO_INTERFACE: "a packet of an interface that was not described",
    scan.PACKET_OUTSIDE: "a packet longer than its block",
    scan.BEYOND_END: "a record longer than the rest of the file",
    scan.BAD_SECTION: "a section header that makes no sense",
}


class Damage:
    """Collects the damage of one file.

    places  how often something was wrong
    lost    bytes of records that could not be read
    cut     the file ends in the middle of a record
    """

    def __init__(self, name: str, notes: Notes) -> None:
        self.places = 0
        self.lost = 0
        self.cut = False
        self._name = name
        self._notes = notes
        self._first = ""
        self._end = ""
        self._store = ""

    def hole(self, start: int, stop: int, claimed: int, fault: int, packet: int) -> None:
        """data[start:stop] of the file could not be read; `packet` is the number of the last one before it."""
        words = _FAULTS.get(fault, "no record")
        self.places += 1
        self.lost += stop - start
        self._notes.add(Code.RECORD_TOO_LONG if fault == scan.TOO_LONG else Code.FILE_DAMAGED, packet, start, claimed,
                        stop - start, words)
        if not self._first:
            self._first = f"at byte {start}: {words}"

    def cut_off(self, offset: int, needed: int, had: int, packet: int) -> None:
        """The file ends in a record that begins at `offset`; `packet` is the number it would have had."""
        self.cut = True
        self.lost += had
        self._notes.add(Code.FILE_CUT, packet, offset, needed, had)
        self._end = f"cut off in the middle of packet {packet}, at byte {offset + had}"
        self._end += f": {needed - had} bytes are missing" if needed > had else ""

    def store(self, words: str) -> None:
        """The store itself broke off (a compressed stream that is cut or damaged)."""
        self._store = words
        self._notes.add(Code.FILE_CUT, detail=words)

    @property
    def line(self) -> str | None:
        """The one line: what was lost, where and how much. None when all is well."""
        said = []
        if self.places == 1:
            said.append(f"damaged {self._first}; {self.lost_in_holes}")
        elif self.places:
            said.append(f"damaged in {self.places} places, first {self._first}; {self.lost_in_holes}")
        if self._store:
            said.append(self._store)
        if self._end:
            said.append(self._end)
        return f"{self._name}: {', and '.join(said)}" if said else None

    @property
    def lost_in_holes(self) -> str:
        return f"{self.lost} bytes could not be read"
