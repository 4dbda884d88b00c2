"""Files that are sent: read from multipart bodies, kept between preview and process, split into rows."""

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

from airflow_provider_engagevoice.sandbox.errors import AnswerError, Problem, bad_request

DELIMITERS: Final = {"COMMA": ",", "PIPE": "|", "TAB": "\t"}
_KEPT: Final = 16


@dataclass(frozen=True, slots=True)
class UploadedFile:
    """A file as it was sent."""

    name: str
    content: bytes


def uploaded_file(content_type: str, body: bytes) -> UploadedFile:
    """Return the part called ``file`` of a multipart body; 400 if there is none."""
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
    """A file to be loaded into a campaign.

    :param file_type: COMMA, PIPE or TAB
    :param quote: the character around cells that contain the delimiter
    """

    account_id: str
    campaign_id: int
    file: UploadedFile
    file_type: str
    quote: str

    def rows(self) -> Iterator[list[str]]:
        """Return the rows of the file, without blank ones; 400 if it is no text, or not of its type.

        Chosen where the vendor's documents are silent: files are UTF-8, with or without a byte order mark.
        """
        return rows(self.file.content, DELIMITERS[self.file_type], self.quote)


def rows(content: bytes, delimiter: str, quote: str = '"') -> Iterator[list[str]]:
    """Return the rows of a text of cells, without blank ones; 400 if it is none."""
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
    """The last 16 previewed files, each good for one process; a restart forgets them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: OrderedDict[str, Upload] = OrderedDict()

    def keep(self, upload: Upload) -> str:
        """Keep one more and return its ``transactionId``."""
        transaction_id = str(uuid.uuid4())
        with self._lock:
            self._kept[transaction_id] = upload
            if len(self._kept) > _KEPT:
                self._kept.popitem(last=False)
        return transaction_id

    def of(self, transaction_id: str, account_id: str, campaign_id: int) -> Upload:
        """Return a file previewed for a campaign; 400 if it is not known, or has been processed."""
        with self._lock:
            upload = self._kept.get(transaction_id)
        if upload is None or (upload.account_id, upload.campaign_id) != (account_id, campaign_id):
            problem = Problem("transactionId", "is not known here, or has been processed", transaction_id)
            raise bad_request([problem])
        return upload

    def forget(self, transaction_id: str) -> None:
        """Let go of a file."""
        with self._lock:
            self._kept.pop(transaction_id, None)

    def clear(self) -> None:
        """Let go of all files."""
        with self._lock:
            self._kept.clear()


def check_file_settings(file_type: str, quote: str) -> None:
    """Raise 400 unless such a file can be read here."""
    if file_type == "EXCEL":
        raise AnswerError(400, "EXCEL is not supported by the sandbox.")
    problems = []
    if file_type not in DELIMITERS:
        problems.append(Problem("fileType", "must be one of EXCEL, PIPE, COMMA, TAB", file_type))
    if len(quote) != 1 or quote in "\r\n" or quote == DELIMITERS.get(file_type):
        problems.append(Problem("quoteCharacter", "must be one character, and not the delimiter", quote))
    if problems:
        raise bad_request(problems)
