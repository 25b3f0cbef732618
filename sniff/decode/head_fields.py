"""Where header fields lie in many heads at once. Compiled.

`find` is a quick look for statistics: the first line of a head that begins with the name, blanks, and a colon. Folded lines and
lone CRs are not understood. `plain` understands only heads in which nothing is odd, and says which they are. decode/message.py
reads any head in full.
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


@cython.cfunc
@cython.nogil
@cython.exceptval(-2, check=True)
def start_line(heads: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t, is_response: cython.bint,
               words: cython.longlong[:, ::1], i: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Index of the LF after a plain start line, with words[i] written; -1 when it is not plain."""
    byte: cython.uchar
    spaces: cython.Py_ssize_t = 0
    first: cython.Py_ssize_t = at
    while at < end and heads[at] != 13:
        byte = heads[at]
        if byte < 32 or byte > 126:
            return -1
        if byte == 32:
            if at == first or heads[at - 1] == 32:
                return -1
            if spaces < 2:
                words[i, spaces] = at
            elif not is_response:
                return -1
            spaces += 1
        at += 1
    if spaces < 2 or at + 1 >= end or heads[at - 1] == 32 or heads[at + 1] != 10:
        return -1
    words[i, 2] = at
    if not is_response:
        first = words[i, 1] + 1
    if at - first < 5 or heads[first] != 72 or heads[first + 1] != 84 or heads[first + 2] != 84 or heads[first + 3] != 80 \
            or heads[first + 4] != 47:
        return -1
    return at + 1


@cython.cfunc
@cython.nogil
@cython.exceptval(-2, check=True)
def field_line(heads: cython.const[cython.uchar][::1], at: cython.Py_ssize_t, end: cython.Py_ssize_t,
               names: cython.const[cython.uchar][::1], name_starts: cython.const[cython.longlong][::1], wanted: cython.Py_ssize_t,
               places: cython.longlong[:, ::1], i: cython.Py_ssize_t) -> cython.Py_ssize_t:
    """Index of the LF after a plain field line, its value written down when it is wanted; -1 when it is not plain."""
    byte: cython.uchar
    k: cython.Py_ssize_t
    first: cython.Py_ssize_t = at
    value: cython.Py_ssize_t
    while at < end and heads[at] != 58:
        if heads[at] <= 32 or heads[at] > 126:
            return -1
        at += 1
    if at == first:
        return -1
    value = at + 1
    while at < end and heads[at] != 13:
        byte = heads[at]
        if byte < 32 or byte > 126:
            return -1
        at += 1
    if at + 1 >= end or heads[at + 1] != 10:
        return -1
    for k in range(name_starts.shape[0] - 1):
        if heads[first] | 32 != names[name_starts[k]]:
            continue
        if after_name(heads, first, at, names, name_starts[k], name_starts[k + 1]) < 0:
            continue
        if k >= wanted or places[i, 2 * k] >= 0:
            return -1
        end = at
        while value < end and heads[value] == 32:
            value += 1
        while end > value and heads[end - 1] == 32:
            end -= 1
        places[i, 2 * k] = value
        places[i, 2 * k + 1] = end
        break
    return at + 1


def plain(heads: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
          lengths: cython.const[cython.longlong][::1], is_response: cython.bint, names: cython.const[cython.uchar][::1],
          name_starts: cython.const[cython.longlong][::1], wanted: cython.Py_ssize_t, words: cython.longlong[:, ::1],
          places: cython.longlong[:, ::1]) -> None:
    """Read heads in which nothing is odd, and say which they are.

    A head is plain when all of it is printable ASCII, its start line is three words with one space between them (the third of a
    response may be several words) of which the version begins with HTTP/, every line a name, a colon and a value that ends in CR LF,
    the last line empty, and no field asked for is there twice.

    heads, starts, lengths, names, name_starts  as for `find`
    is_response  which kind all of them are
    wanted       so many of the names are looked for; a head with one of the others is not plain
    words        int64[n, 3]           written: the first and the second space of the start line, and its end; -1 when not plain
    places       int64[n, 2 * wanted]  written: start and end of each value, blanks at its ends left out; -1 when missing
    """
    i: cython.Py_ssize_t
    k: cython.Py_ssize_t
    at: cython.Py_ssize_t
    end: cython.Py_ssize_t
    with cython.nogil:
        for i in range(starts.shape[0]):
            for k in range(2 * wanted):
                places[i, k] = -1
            end = starts[i] + lengths[i]
            at = start_line(heads, starts[i], end, is_response, words, i)
            while at >= 0 and at + 1 < end and heads[at + 1] != 13:
                at = field_line(heads, at + 1, end, names, name_starts, wanted, places, i)
            if at < 0 or at + 3 != end or heads[at + 2] != 10:
                words[i, 0] = -1
