"""Values of fields found in the bytes of many messages at once, and searched where they lie (compiled).

A text is (start, length) in an array of bytes. What is out of the ordinary is not read here: the caller is told, and reads it
as a message.
"""

import cython

ODD = -1
"""In place of a result: read this message in another way."""
_ODD = cython.declare(cython.longlong, ODD)


@cython.cfunc
@cython.nogil
@cython.exceptval(check=False)
def lower(c: cython.longlong) -> cython.longlong:
    return c + 32 if 65 <= c <= 90 else c


def header_values(data: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
                  stops: cython.const[cython.longlong][::1], name: cython.const[cython.uchar][::1],
                  found: cython.longlong[:, ::1], progress: cython.longlong[::1]) -> None:
    """The values of one header field in many heads.

    starts, stops  int64[k]    the heads: data[start:stop]
    name           uint8[n]    of the field, in lower case
    found          int64[f, 3] written: index of the head, start of the value, its length; ODD in place of the start: this head
                               has it in a form that is to be read otherwise (folded, not ASCII)
    progress       int64[2]    next head, rows of `found` written; it stops early when `found` is full
    """
    k: cython.Py_ssize_t = progress[0]
    at: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    i: cython.Py_ssize_t
    begun: cython.longlong
    made: cython.longlong = progress[1]
    a: cython.Py_ssize_t
    b: cython.Py_ssize_t
    size: cython.Py_ssize_t = name.shape[0]
    odd: cython.bint
    full: cython.bint = False
    c: cython.longlong
    if not cython.compiled:
        data, found = memoryview(data), memoryview(found)
    with cython.nogil:
        while k < starts.shape[0] and not full:
            at = starts[k]
            stop = stops[k]
            begun = made
            odd = False
            while at < stop and not full:
                while at < stop and data[at] != 10:       # to the end of the line
                    at += 1
                at += 1
                if at + size >= stop or lower(data[at]) != name[0]:
                    continue
                i = 1
                while i < size and lower(data[at + i]) == name[i]:
                    i += 1
                if i < size:
                    continue
                at += size
                while at < stop and (data[at] == 32 or data[at] == 9):
                    at += 1
                if at >= stop or data[at] != 58:
                    continue
                a = at + 1
                at = a
                while at < stop:
                    c = data[at]
                    if c == 10:
                        break
                    if c > 127:
                        odd = True
                    at += 1
                b = at
                if at + 1 < stop and (data[at + 1] == 32 or data[at + 1] == 9):
                    odd = True
                while a < b and (data[a] == 32 or data[a] == 9 or 11 <= data[a] <= 13):
                    a += 1
                while b > a and (data[b - 1] == 32 or data[b - 1] == 9 or 11 <= data[b - 1] <= 13):
                    b -= 1
                if made >= found.shape[0]:
                    full = True
                    break
                found[made, 0] = k
                found[made, 1] = a
                found[made, 2] = b - a
                made += 1
            if full:
                made = begun
                break
            if odd:
                found[begun, 1] = _ODD
                made = begun + 1
            k += 1
    progress[0] = k
    progress[1] = made


def request_targets(data: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
                    stops: cython.const[cython.longlong][::1], out: cython.longlong[:, ::1]) -> None:
    """Where the targets of plain request lines lie: `METHOD SP target SP HTTP/digits`, all visible ASCII.

    out  int64[2, k]  written: start and length, ODD for a line that is not so plain
    """
    k: cython.Py_ssize_t
    at: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    a: cython.Py_ssize_t
    b: cython.Py_ssize_t
    if not cython.compiled:
        data, out = memoryview(data), memoryview(out)
    with cython.nogil:
        for k in range(starts.shape[0]):
            at = starts[k]
            stop = stops[k]
            out[0, k] = _ODD
            out[1, k] = 0
            while at < stop and 33 <= data[at] <= 126:
                at += 1
            if at == starts[k] or at >= stop or data[at] != 32:
                continue
            at += 1
            a = at
            while at < stop and 33 <= data[at] <= 126:
                at += 1
            b = at
            if a == b or at + 6 >= stop or data[at] != 32 or data[at + 1] != 72 or data[at + 2] != 84 or data[at + 3] != 84 \
                    or data[at + 4] != 80 or data[at + 5] != 47:
                continue
            at += 6
            while at < stop and (48 <= data[at] <= 57 or data[at] == 46):
                at += 1
            if at == b + 6 or at >= stop:
                continue
            if data[at] == 13 and at + 1 < stop:
                at += 1
            if data[at] == 10:
                out[0, k] = a
                out[1, k] = b - a


def contained(data: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
              lengths: cython.const[cython.longlong][::1], wanted: cython.const[cython.uchar][::1],
              out: cython.uchar[::1]) -> None:
    """Whether each text has some bytes in it: out[k] is 1 or 0. `wanted` has one byte at least."""
    k: cython.Py_ssize_t
    i: cython.Py_ssize_t
    j: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    size: cython.Py_ssize_t = wanted.shape[0]
    first: cython.uchar
    if not cython.compiled:
        data, out = memoryview(data), memoryview(out)
    if size == 0:
        return
    with cython.nogil:
        first = wanted[0]
        for k in range(starts.shape[0]):
            out[k] = 0
            stop = starts[k] + lengths[k] - size + 1
            for i in range(starts[k], stop):
                if data[i] != first:
                    continue
                j = 1
                while j < size and data[i + j] == wanted[j]:
                    j += 1
                if j == size:
                    out[k] = 1
                    break


def equal(data: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
          lengths: cython.const[cython.longlong][::1], wanted: cython.const[cython.uchar][::1], out: cython.uchar[::1]) -> None:
    """Whether each text is these bytes: out[k] is 1 or 0."""
    k: cython.Py_ssize_t
    i: cython.Py_ssize_t
    at: cython.Py_ssize_t
    size: cython.Py_ssize_t = wanted.shape[0]
    if not cython.compiled:
        data, out = memoryview(data), memoryview(out)
    with cython.nogil:
        for k in range(starts.shape[0]):
            out[k] = 0
            if lengths[k] == size:
                at = starts[k]
                i = 0
                while i < size and data[at + i] == wanted[i]:
                    i += 1
                if i == size:
                    out[k] = 1


def names(data: cython.const[cython.uchar][::1], starts: cython.const[cython.longlong][::1],
          stops: cython.const[cython.longlong][::1], at: cython.const[cython.longlong][::1], pool: cython.uchar[::1],
          out: cython.longlong[:, ::1], progress: cython.longlong[::1]) -> None:
    """DNS names of printable ASCII, their labels joined by dots (RFC 1035 section 4.1.4: pointers point backwards).

    starts, stops  int64[k]     the message of each name: data[start:stop]
    at             int64[k]     where each name begins, counted from the message's start
    pool           uint8        written: the names
    out            int64[2, k]  written: start in the pool and length; ODD for a name with other bytes, the root, or none
    progress       int64[2]     next name, bytes of the pool used; it stops early when the pool has not 256 bytes left
    """
    k: cython.Py_ssize_t = progress[0]
    used: cython.Py_ssize_t = progress[1]
    here: cython.Py_ssize_t
    stop: cython.Py_ssize_t
    limit: cython.Py_ssize_t
    begun: cython.Py_ssize_t
    i: cython.Py_ssize_t
    c: cython.longlong
    length: cython.longlong
    size: cython.longlong
    good: cython.bint
    if not cython.compiled:
        data, pool, out = memoryview(data), memoryview(pool), memoryview(out)
    with cython.nogil:
        while k < at.shape[0] and pool.shape[0] - used >= 256:
            stop = stops[k]
            here = limit = starts[k] + at[k]
            begun = used
            size = 1
            good = False
            while here < stop:
                length = data[here]
                if length == 0:
                    good = used > begun
                    break
                if length < 64:
                    size += length + 1
                    if size > 255 or here + 1 + length > stop:
                        break
                    if used > begun:
                        pool[used] = 46
                        used += 1
                    for i in range(here + 1, here + 1 + length):
                        c = data[i]
                        if c < 32 or c > 126 or c == 46 or c == 92:
                            size = 1000
                        pool[used] = cython.cast(cython.uchar, c)
                        used += 1
                    if size >= 1000:
                        break
                    here += 1 + length
                elif length >= 192 and here + 1 < stop:
                    here = starts[k] + (((length & 63) << 8) | data[here + 1])
                    if here >= limit:
                        break
                    limit = here
                else:
                    break
            if good:
                out[0, k] = begun
                out[1, k] = used - begun
            else:
                out[0, k] = _ODD
                out[1, k] = 0
                used = begun
            k += 1
    progress[0] = k
    progress[1] = used
