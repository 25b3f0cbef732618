"""Reading and writing at a place in a file, where the system can do it in one call and where it cannot (Windows)."""

import os


def read_into(descriptor: int, view: memoryview, offset: int) -> int:
    """Fill `view` with the bytes at `offset`; how many there were."""
    if hasattr(os, "preadv"):
        return os.preadv(descriptor, [view], offset)
    data = read_at(descriptor, len(view), offset)
    view[:len(data)] = data
    return len(data)


def read_at(descriptor: int, length: int, offset: int) -> bytes:
    """`length` bytes at `offset`, fewer at the end of the file."""
    if hasattr(os, "pread"):
        return os.pread(descriptor, length, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.read(descriptor, length)


def write_at(descriptor: int, data: memoryview | bytes, offset: int) -> int:
    """Write at `offset`; how many bytes were written."""
    if hasattr(os, "pwrite"):
        return os.pwrite(descriptor, data, offset)
    os.lseek(descriptor, offset, os.SEEK_SET)
    return os.write(descriptor, data)


def read_next(descriptor: int, view: memoryview) -> int:
    """Fill `view` with what a pipe has; how many bytes, 0 at its end."""
    if hasattr(os, "readv"):
        return os.readv(descriptor, [view])
    data = os.read(descriptor, len(view))
    view[:len(data)] = data
    return len(data)
