"""Parquet files with Arrow types that pyarrow does not have: integers of 128 bits, as Polars writes them."""

from __future__ import annotations

import io
from typing import BinaryIO

#: The name under which a writer keeps the Arrow types of the columns.
_NAME = b"ARROW:schema"
#: Bytes at the end of a file: the length of what is before them, and ``PAR1``.
_END = 8


class WithoutArrowTypes(io.RawIOBase):
    """A Parquet file without the Arrow types, so that columns have those of Parquet. The file stays open."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        size = file.seek(0, io.SEEK_END)
        file.seek(size - _END)
        length = min(int.from_bytes(file.read(4), "little") + _END, size)
        start = file.seek(size - length)
        at = file.read(length).find(_NAME)
        #: Where the name begins; before the file if there is none.
        self._at = -1 if at < 0 else start + at
        file.seek(0)

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        return self._file.seek(offset, whence)

    def tell(self) -> int:
        return self._file.tell()

    def read(self, size: int | None = -1, /) -> bytes:
        start = self._file.tell()
        data = self._file.read(-1 if size is None else size)
        at = self._at - start
        # Another name means nothing to Arrow.
        return data if not 0 <= at < len(data) else b"%sa%s" % (data[:at], data[at + 1 :])
