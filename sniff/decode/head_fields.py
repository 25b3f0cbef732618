"""Where header fields and paths lie in many heads at once. Compiled.

A quick look for statistics: the first line of a head that begins with the name, blanks, and a colon. Folded lines and lone CRs are
not understood; decode/message.py reads a head in full.
"""

import cython


@cython.cfunc
@cython.nogil
@cython.exceptval(-2, check=True)
def after_name(heads: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t,
               names: cython.const[cython.uchar][::1], first: cython.Py_ssize_t, last: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Where the value of a line begins when its name is names[first:last], in any case; else -1."""
    byte: cython.uchar
    k: cython.Py_ssize_t
    if end - at <= last - first:
        return -1
    for k in range(first, last):
        byte = heads[at]
        if 65 <= byte <= 90:
            byte |= 32
        if byte != names[k]:
            return -1
        at += 1
    while at < end and (heads[at] == 32 or heads[at] == 9):
        at += 1
    if at == end or heads[at] != 58:
        return -1
    at += 1
    while at < end and (heads[at] == 32 or heads[at] == 9):
        at += 1
    return at


def find(heads: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
         lengths: cython.const[cython.longlong][::1], names: cython.const[cython.uchar][::1],
         name_starts: cython.const[cython.longlong][::1], places: cython.longlong[:, ::1]) -> None:
    """Write where the values of some fields lie.

    heads        uint8[h]      the pool that has the heads
    starts       int64[n]      where each head begins
    lengths      int64[n]      its bytes
    names        uint8[b]      names of fields in lower case, one after another
    name_starts  int64[m + 1]  where each begins, and the end
    places       int64[n, 2m]  start and end of the value of each field in the pool, blanks at its ends left out; -1 when missing
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    at: cython.Py_ssize_t
    end: cython.Py_ssize_t
    line: cython.Py_ssize_t
    value: cython.Py_ssize_t
    with cython.nogil:
        for i in range(starts.shape[0]):
            for k in range(places.shape[1]):
                places[i, k] = -1
            at = starts[i]
            end = at + lengths[i]
            while at < end and heads[at] != 10:     # the start line
                at += 1
            while at < end:
                at += 1
                line = at
                while at < end and heads[at] != 10:
                    at += 1
                if line == at:
                    continue
                for k in range(name_starts.shape[0] - 1):
                    if places[i, 2 * k] >= 0 or heads[line] | 32 != names[name_starts[k]]:
                        continue
                    value = after_name(heads, line, at, names, name_starts[k], name_starts[k + 1])
                    if value >= 0:
                        places[i, 2 * k] = value
                        line = at
                        while line > value and (heads[line - 1] == 13 or heads[line - 1] == 32 or heads[line - 1] == 9):
                            line -= 1
                        places[i, 2 * k + 1] = line
                        break


def paths(heads: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
          lengths: cython.const[cython.longlong][::1], places: cython.longlong[:, ::1]) -> None:
    """Write where the paths of requests lie: their targets up to the query.

    heads, starts, lengths  as in find()
    places                  int64[n, 2]  start and end of the path in the pool; -1 when the start line is not `METHOD /path HTTP/...`
    """
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t
    end: cython.Py_ssize_t
    line: cython.Py_ssize_t
    with cython.nogil:
        for i in range(starts.shape[0]):
            places[i, 0] = -1
            places[i, 1] = -1
            at = starts[i]
            end = at + lengths[i]
            line = at
            while line < end and heads[line] != 10:
                if heads[line] < 32 and heads[line] != 13:
                    break
                line += 1
            if line == end or heads[line] != 10:
                continue
            while line > at and heads[line - 1] == 13:
                line -= 1
            while at < line and heads[at] != 32:
                at += 1
            if at == starts[i] or at + 1 >= line or heads[at + 1] != 47:
                continue
            at += 1
            end = line
            while end > at and heads[end - 1] != 32:
                end -= 1
            if line - end < 5 or heads[end] != 72 or heads[end + 1] != 84 or heads[end + 2] != 84 or heads[end + 3] != 80 \
                    or heads[end + 4] != 47:
                continue
            end -= 1
            if end <= at or heads[end - 1] == 32:
                continue
            line = at
            while line < end and heads[line] != 63 and heads[line] != 13:
                line += 1
            if line < end and heads[line] == 13:
                continue
            places[i, 0] = at
            places[i, 1] = line
