"""Uploaded files: multipart parsing, storage between preview and process, and rows."""

from __future__ import annotations

import csv
import io
import threading
import uuid
from collections import OrderedDict
from collections.abc import Iterator
from dataclasses import dataclass
from email.message import Message
from typing import Final

from airflow_provider_engagevoice.sandbox.errors import HttpError, Problem, bad_request

DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "TAB": "\t"}
_MAX_UPLOADS: Final = 16


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """The name and content of an uploaded file."""

    name: str
    content: bytes


def uploaded_file(content_type: str, body: bytes) -> UploadedFile:
    """Return the part named ``file`` of a multipart body; 400 if it is missing."""
    boundary = _header(content_type).get_param("boundary")
    if not content_type.lower().startswith("multipart/form-data") or not isinstance(boundary, str):
        raise bad_request([Problem("file", "must be sent as multipart/form-data")])
    for part in (b"\r\n" + body).split(b"\r\n--" + boundary.encode("latin-1", "replace"))[1:]:
        head, separator, content = part.partition(b"\r\n\r\n")
        for line in head.decode("utf-8", "replace").split("\r\n"):
            name, _, value = line.partition(":")
            disposition = _header(value)
            if (
                separator
                and name.lower() == "content-disposition"
                and disposition.get_param("name") == "file"
            ):
                return UploadedFile(str(disposition.get_param("filename") or "file"), content)
    raise bad_request([Problem("file", "is required")])


def _header(value: str) -> Message:
    message = Message()
    message["content-type"] = value.strip()
    return message


@dataclass(frozen=True, slots=True)
class Upload:
    """A file to load into a campaign.

    :param file_type: COMMA, PIPE or TAB
    :param quote: quote character of cells that contain the delimiter
    """

    account_id: str
    campaign_id: int
    file: UploadedFile
    file_type: str
    quote: str

    def rows(self) -> Iterator[list[str]]:
        """Yield the non-blank rows of the file; 400 if it cannot be parsed.

        Not documented by the vendor, assumed: files are UTF-8, with or without a byte order mark.
        """
        return rows(self.file.content, DELIMITERS[self.file_type], self.quote)


def rows(content: bytes, delimiter: str, quote: str = '"') -> Iterator[list[str]]:
    """Yield the non-blank rows of delimited text; 400 if it cannot be parsed."""
    text = io.TextIOWrapper(io.BytesIO(content), "utf-8-sig", newline="")
    reader = csv.reader(text, delimiter=delimiter, quotechar=quote, strict=True)
    try:
        for row in reader:
            if any(row):
                yield row
    except UnicodeDecodeError as error:
        raise bad_request([Problem("file", f"must be UTF-8 text: {error.reason}")]) from error
    except csv.Error as error:
        raise bad_request([Problem("file", f"cannot be read at line {reader.line_num}: {error}")]) from error


class Uploads:
    """The last 16 previewed files, in memory; each can be processed once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._uploads: OrderedDict[str, Upload] = OrderedDict()

    def add(self, upload: Upload) -> str:
        """Store a file and return its ``transactionId``."""
        transaction_id = str(uuid.uuid4())
        with self._lock:
            self._uploads[transaction_id] = upload
            if len(self._uploads) > _MAX_UPLOADS:
                self._uploads.popitem(last=False)
        return transaction_id

    def get(self, transaction_id: str, account_id: str, campaign_id: int) -> Upload:
        """Return a file previewed for a campaign; 400 if it is unknown or already processed."""
        with self._lock:
            upload = self._uploads.get(transaction_id)
        if upload is None or (upload.account_id, upload.campaign_id) != (account_id, campaign_id):
            problem = Problem("transactionId", "is unknown, or has already been processed", transaction_id)
            raise bad_request([problem])
        return upload

    def remove(self, transaction_id: str) -> None:
        """Remove a file."""
        with self._lock:
            self._uploads.pop(transaction_id, None)

    def clear(self) -> None:
        """Remove all files."""
        with self._lock:
            self._uploads.clear()


def check_file_settings(file_type: str, quote: str) -> None:
    """Raise 400 for an unsupported file type or quote character."""
    if file_type == "EXCEL":
        raise HttpError(400, "EXCEL is not supported by the sandbox.")
    problems = []
    if file_type not in DELIMITERS:
        problems.append(Problem("fileType", "must be one of EXCEL, PIPE, COMMA, TAB", file_type))
    if len(quote) != 1 or quote in "\r\n" or quote == DELIMITERS.get(file_type):
        problems.append(Problem("quoteCharacter", "must be one character, and not the delimiter", quote))
    if problems:
        raise bad_request(problems)
