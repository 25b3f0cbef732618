"""Fields of frames that few ask for."""

import numpy as np

from sniff.filters.columns import Column
from sniff.filters.field import COLUMN, Field, marked
from sniff.filters.types import Type
from sniff.filters.view import View
from sniff.packets import columns as c
from sniff.packets.batch import Table

ENCAPSULATIONS = {
    0: 15, 1: 1, 2: 184, 3: 148, 6: 2, 7: 8, 8: 3, 9: 4, 10: 6, 11: 10, 12: 7, 13: 38, 14: 7, 16: 11, 18: 11, 19: 11, 32: 69,
    50: 4, 51: 139, 99: 61, 100: 10, 101: 7, 104: 28, 105: 20, 106: 11, 107: 26, 108: 174, 109: 38, 112: 28, 113: 25, 114: 30,
    117: 39, 118: 29, 119: 21, 121: 32, 122: 18, 123: 13, 127: 23, 128: 37, 129: 9, 130: 81, 131: 82, 133: 87, 135: 68,
    136: 151, 137: 67, 138: 62, 139: 75, 140: 42, 141: 43, 142: 101, 143: 33, 147: 45, 148: 46, 149: 47, 150: 48, 151: 49,
    152: 50, 153: 51, 154: 52, 155: 53, 156: 54, 157: 55, 158: 56, 159: 57, 160: 58, 161: 59, 162: 60, 163: 24, 165: 63,
    167: 76, 169: 66, 170: 178, 171: 179, 172: 77, 173: 78, 178: 83, 179: 84, 180: 85, 181: 86, 183: 91, 184: 181, 186: 92,
    187: 41, 188: 93, 189: 95, 190: 109, 192: 97, 195: 104, 196: 100, 197: 98, 199: 103, 200: 197, 201: 99, 202: 147, 203: 131,
    204: 19, 209: 112, 210: 106, 211: 108, 212: 107, 213: 111, 214: 105, 215: 113, 220: 115, 224: 121, 225: 122, 226: 124,
    227: 125, 228: 129, 229: 130, 230: 127, 231: 146, 235: 132, 236: 133, 237: 157, 239: 141, 240: 135, 241: 136, 242: 180,
    243: 138, 245: 140, 248: 149, 249: 152, 250: 153, 251: 154, 252: 155, 253: 158, 254: 159, 255: 160, 256: 161, 258: 171,
    259: 172, 260: 173, 264: 177, 266: 182, 268: 36, 270: 183, 271: 185, 272: 186, 273: 199, 274: 198, 275: 200, 276: 210,
    279: 204, 280: 205, 283: 206, 287: 211, 288: 208, 290: 212, 292: 214, 293: 215, 294: 216, 295: 217,
}
"""{LINKTYPE_ number: Wireshark's own number of that link type (WTAP_ENCAP_...)}."""


def _encapsulation(view: View, candidates: Table) -> Column:
    numbers = np.full(512, -1, np.int64)
    numbers[list(ENCAPSULATIONS)] = list(ENCAPSULATIONS.values())
    kinds = view.table[c.LINK_TYPE]
    known = (kinds >= 0) & (kinds < len(numbers))
    values = np.where(known, numbers[np.where(known, kinds, 0)], -1)
    return Column(np.arange(view.size), values).only(values >= 0)


def _no_shift(view: View, candidates: Table) -> Column:
    return Column(candidates, np.zeros(len(candidates), np.int64))


def _commented(view: View, candidates: Table) -> Column:
    packets = np.array(sorted(view.packets.raw.comments), np.int64)
    return Column(packets, np.ones(len(packets), np.int64))


FRAME_FIELDS = [
    Field("frame.encap_type", Type.NUMBER, "link type, by Wireshark's own numbers: 1 Ethernet, 7 IP, 25 Linux cooked", _encapsulation,
          COLUMN, bits=16),
    Field("frame.offset_shift", Type.SPAN, "by what its time was shifted in Wireshark's window: never here", _no_shift, COLUMN),
    Field("frame.comment.expert", Type.NONE, "it has a comment", _commented, COLUMN),
    Field("frame.len_lt_caplen", Type.NONE, "more was captured than there was on the wire",
          marked(lambda view: view.table[c.WIRELEN] < view.table[c.CAPLEN]), COLUMN),
]
