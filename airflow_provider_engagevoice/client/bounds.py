"""Bounds on what is read of a response, before and after it is decompressed.

httpx reads and decompresses a whole body, so that an endless one, or a small compressed one, could fill the
memory. An event hook of both clients replaces the stream of each response by one that counts.
"""

from __future__ import annotations

import zlib
from collections.abc import AsyncIterator, Iterator
from typing import Any, Final

import httpx

from airflow_provider_engagevoice.exceptions import TooLargeError

#: Extension of a request: bytes of the largest response that it may have.
MAX_BYTES: Final = "engagevoice_max_bytes"
#: Encodings that responses may have: those that can be decompressed in bounded pieces.
ACCEPT_ENCODING: Final = "gzip, deflate"

#: Largest response of a request without the extension: a sign-in.
_DEFAULT_BYTES: Final = 1 << 20
#: Bytes that are read of a response with a status other than 2xx: its status says enough.
_ERROR_BYTES: Final = 256 << 10
_PIECE: Final = 64 << 10


class BoundedStream(httpx.SyncByteStream, httpx.AsyncByteStream):
    """The body of a response, decompressed, and ended by an error once it is too large."""

    def __init__(self, response: httpx.Response) -> None:
        self._stream: Any = response.stream
        self._request = response.request
        self._status = response.status_code
        self._is_cut = not response.is_success
        limit = int(response.request.extensions.get(MAX_BYTES, _DEFAULT_BYTES))
        self._limit = _ERROR_BYTES if self._is_cut else limit
        self._left = self._left_sent = self._limit
        self._decoder = _Decoder(response.headers.get("content-encoding", ""))

    def __iter__(self) -> Iterator[bytes]:
        for chunk in self._stream:
            yield from self._pieces(chunk)
            if self._is_done:
                return

    async def __aiter__(self) -> AsyncIterator[bytes]:
        async for chunk in self._stream:
            for piece in self._pieces(chunk):
                yield piece
            if self._is_done:
                return

    def close(self) -> None:
        self._stream.close()

    async def aclose(self) -> None:
        await self._stream.aclose()

    @property
    def _is_done(self) -> bool:
        return self._is_cut and min(self._left, self._left_sent) <= 0

    def _pieces(self, chunk: bytes) -> Iterator[bytes]:
        # What is sent may decompress to nothing.
        self._left_sent -= len(chunk)
        self._check()
        try:
            for piece in self._decoder.pieces(chunk):
                self._left -= len(piece)
                self._check()
                yield piece
                if self._is_done:
                    return
        except zlib.error as error:
            raise httpx.DecodingError(str(error), request=self._request) from None

    def _check(self) -> None:
        if min(self._left, self._left_sent) < 0 and not self._is_cut:
            raise TooLargeError(
                f"status {self._status}, and more than {self._limit:,} bytes",
                method=self._request.method,
                path=self._request.url.path,
                status=self._status,
            )


class _Decoder:
    """Decompresses ``gzip`` and ``deflate`` in pieces; another encoding is passed on as it is."""

    def __init__(self, encoding: str) -> None:
        encoding = encoding.strip().lower()
        self._bits = {
            "gzip": zlib.MAX_WBITS | 16,
            "x-gzip": zlib.MAX_WBITS | 16,
            "deflate": zlib.MAX_WBITS,
        }.get(encoding)
        self._inflate: Any = None

    def pieces(self, chunk: bytes) -> Iterator[bytes]:
        """Yield what a chunk has, at most 64 KiB at a time."""
        if self._bits is None:
            yield chunk
            return
        if self._inflate is None:
            self._inflate = zlib.decompressobj(self._bits)
            if self._bits == zlib.MAX_WBITS and not _has_zlib_header(chunk):
                self._inflate = zlib.decompressobj(-zlib.MAX_WBITS)
        while chunk and not self._inflate.eof:
            piece = self._inflate.decompress(chunk, _PIECE)
            chunk = self._inflate.unconsumed_tail
            if piece:
                yield piece


def _has_zlib_header(chunk: bytes) -> bool:
    """Return whether a ``deflate`` body has the header of RFC 1950; some servers send none."""
    return len(chunk) > 1 and chunk[0] & 0x0F == 8 and (chunk[0] << 8 | chunk[1]) % 31 == 0


def bound_body(response: httpx.Response) -> None:
    """Bound the body of a response: an event hook of the sync client."""
    response.stream = BoundedStream(response)
    # The stream decompresses; with these httpx would, too.
    for name in ("content-encoding", "content-length"):
        response.headers.pop(name, None)


async def abound_body(response: httpx.Response) -> None:
    """Do as :func:`bound_body`, in the async client."""
    bound_body(response)
