"""Bodies that carry a file."""

from __future__ import annotations

import uuid


def file_form(content: bytes, name: str) -> tuple[bytes, str]:
    """Return a ``multipart/form-data`` body whose part ``file`` is a CSV file, and its content type.

    :param name: what the file is called
    """
    boundary = uuid.uuid4().hex
    head = (
        f"--{boundary}\r\n"
        f'Content-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: text/csv\r\n\r\n"
    )
    body = head.encode() + content + f"\r\n--{boundary}--\r\n".encode()
    return body, f"multipart/form-data; boundary={boundary}"
