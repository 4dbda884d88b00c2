"""The internal do-not-call list: add, remove, upload and search numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import Unpack

    from airflow.providers.common.compat.sdk import Context, XComArg

    from airflow_provider_engagevoice.arguments import Reader
    from airflow_provider_engagevoice.utils.airflow_arguments import OperatorArguments

# As in operators.campaigns, what a task needs at run time is imported there.

#: Arguments that each action requires, and those it also takes.
_FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "add": (frozenset({"numbers"}), frozenset({"reason"})),
    "remove": (frozenset({"numbers"}), frozenset()),
    "upload": (
        frozenset({"source"}),
        frozenset(
            {
                "source_conn_id",
                "encoding",
                "delimiter",
                "header",
                "column",
                "columns",
                "rejects_path",
                "rejects_conn_id",
            }
        ),
    ),
    "search": (frozenset(), frozenset({"numbers", "criteria", "output_path", "output_conn_id"})),
}
#: The tag that every account has.
_DEFAULT_TAG = "GLOBAL"
#: Most entries that a search returns as XCom.
_MAX_ROWS = 1000


def _read_criteria(value: object, field: str) -> dict[str, Any]:
    from airflow_provider_engagevoice.exceptions import InvalidInputError
    from airflow_provider_engagevoice.inputs import HIDDEN, read_dict

    criteria = read_dict(value, field)
    if "phone" in criteria:
        # As given, a server may not find it.
        raise InvalidInputError(f"{field}.phone", HIDDEN, "give it as numbers")
    return criteria


class EngageVoiceDncOperator(EngageVoiceOperator):
    """
    Add numbers to the internal do-not-call list, remove them, upload a file of them, or search it.

    All numbers are checked and normalized before anything is sent: ten digits for the United States and
    Canada, E.164 for other countries. Of ``numbers``, one that cannot be dialed fails the task, with its
    position, and nothing is sent. Of files, all others are uploaded, and then the task fails if more are bad
    than ``max_bad_rows`` allows. Every action is idempotent: a number that is on the list already, or not on
    it, is a success.

    Returns ``action`` and the number of ``numbers``; ``upload`` also ``rejected``, how many cannot be dialed,
    and ``rejects``, the path of their rows; ``remove`` also ``absent``, how many were not on the list;
    ``search`` also ``rows``, the entries with the last two digits of their phones, or ``path``, a file with
    whole phones. A search for more than a thousand entries requires ``output_path``. Numbers are
    searched and removed in each form in which the list may hold them.

    The vendor documents neither the format of an uploaded file nor the criteria of a search. The file is sent
    in parts, as text with one number per line, with ``dncTagId`` and ``countryId`` as named in an entry; a
    response that reports rejected numbers fails the task. A search filters by the names of an entry's fields.

    .. seealso::
        `RingCentral: do-not-call lists
        <https://developers.ringcentral.com/engage/voice/guide/dialing/dnc/dnc-list>`__

    :param action: ``add``, ``remove``, ``upload`` or ``search``
    :param numbers: a number or several, for all actions but ``upload``
    :param source: file of numbers on Airflow's object storage, or several, for ``upload``: as for
        :class:`~airflow_provider_engagevoice.operators.leads.EngageVoiceLoadLeadsOperator`
    :param source_conn_id: connection of that storage
    :param encoding: encoding of text files; default: UTF-8, or UTF-16 if the file has its byte-order mark
    :param delimiter: between the cells of text files; default: as for loads
    :param header: whether the first row of text and Excel files has the names of columns; default: it has if
        the column is among its cells. Columns without names are called 1, 2, …
    :param column: column of the numbers; empty cells are skipped. Default: ``phone``, or the only column of a
        file without a header
    :param columns: columns whose cells together are the number, such as ``[1, 2]`` for area code and number
    :param max_bad_rows: how many rows may have a number that cannot be dialed: ``fail`` for none (default), a
        number, or a share of the rows such as ``2%``
    :param rejects_path: path of object storage for these rows and their reasons, in the format of its suffix
    :param rejects_conn_id: connection of that storage
    :param tag: id or label of the tag of the numbers; default: ``GLOBAL``, and for ``search`` any
    :param country: country of the numbers, three letters; default: ``USA``, and for ``search`` any
    :param reason: reason to store, for ``add``
    :param criteria: criteria of ``search``, such as ``{"externId": "lead-1001"}``; an entry must match all of
        them. Phones are given as ``numbers``.
    :param output_path: file of JSON lines on Airflow's object storage that ``search`` writes
    :param output_conn_id: connection of that storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    renamed_arguments = {"path": "output_path", "path_conn_id": "output_conn_id"}
    default_map_index = "{{ task.source or task.output_path or ti.map_index }}"
    template_fields: Sequence[str] = (
        "action",
        "numbers",
        "source",
        "source_conn_id",
        "encoding",
        "delimiter",
        "header",
        "column",
        "columns",
        "max_bad_rows",
        "rejects_path",
        "rejects_conn_id",
        "tag",
        "country",
        "reason",
        "criteria",
        "output_path",
        "output_conn_id",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"criteria": "json"}
    personal_fields = ("numbers", "criteria")

    def __init__(
        self,
        *,
        action: str | XComArg,
        numbers: str | int | Sequence[str | int] | XComArg | None = None,
        source: str | Sequence[str] | XComArg | None = None,
        source_conn_id: str | XComArg | None = None,
        encoding: str | XComArg | None = None,
        delimiter: str | XComArg | None = None,
        header: bool | str | XComArg | None = None,
        column: str | int | XComArg | None = None,
        columns: Sequence[str | int] | XComArg | None = None,
        max_bad_rows: str | int | Mapping[str, float] | XComArg = "fail",
        rejects_path: str | XComArg | None = None,
        rejects_conn_id: str | XComArg | None = None,
        tag: str | int | XComArg | None = None,
        country: str | XComArg | None = None,
        reason: str | XComArg | None = None,
        criteria: Mapping[str, Any] | XComArg | None = None,
        output_path: str | XComArg | None = None,
        output_conn_id: str | XComArg | None = None,
        engagevoice_conn_id: str | XComArg = "engagevoice_default",
        **kwargs: Unpack[OperatorArguments],
    ) -> None:
        super().__init__(**kwargs)
        self.engagevoice_conn_id = engagevoice_conn_id
        self.action = action
        self.numbers = numbers
        self.source = source
        self.source_conn_id = source_conn_id
        self.encoding = encoding
        self.delimiter = delimiter
        self.header = header
        self.column = column
        self.columns = columns
        self.max_bad_rows = max_bad_rows
        self.rejects_path = rejects_path
        self.rejects_conn_id = rejects_conn_id
        self.tag = tag
        self.country = country
        self.reason = reason
        self.criteria = criteria
        self.output_path = output_path
        self.output_conn_id = output_conn_id

    @classmethod
    def argument_readers(cls) -> Mapping[str, Reader]:
        """Return the readers of the arguments that are checked at DAG parse."""
        from airflow_provider_engagevoice import inputs
        from airflow_provider_engagevoice.leads import list_arguments as lists

        return {
            "action": partial(inputs.read_choice, choices=tuple(_FIELDS)),
            "source": inputs.read_texts,
            "source_conn_id": inputs.read_text,
            "encoding": lists.read_encoding,
            "delimiter": lists.read_delimiter,
            "header": inputs.read_flag,
            "column": lists.read_column,
            "columns": lists.read_columns,
            "max_bad_rows": lists.read_row_limit,
            "rejects_path": lists.read_rejects_path,
            "rejects_conn_id": inputs.read_text,
            "tag": inputs.read_text,
            "country": inputs.read_country,
            "reason": inputs.read_text,
            "criteria": _read_criteria,
            "output_path": lists.read_json_lines_path,
            "output_conn_id": inputs.read_text,
        }

    def check_literals(self) -> None:
        """Check literal arguments; they must suit the action."""
        from airflow_provider_engagevoice.arguments import is_literal

        super().check_literals()
        if is_literal(self.action):
            self._check_fields(str(self.action).strip())
        if self.numbers is not None and is_literal(self.numbers) and is_literal(self.country):
            self._numbers({"country": self.country})

    def _check_fields(self, action: str) -> None:
        from airflow_provider_engagevoice.exceptions import InvalidInputError
        from airflow_provider_engagevoice.inputs import HIDDEN

        required, allowed = _FIELDS[action]
        for name in sorted(set().union(*(fields for pair in _FIELDS.values() for fields in pair))):
            value = getattr(self, name)
            if value is None and name in required:
                raise InvalidInputError(name, value, f"action {action!r} requires it")
            if value is not None and name not in required | allowed:
                shown = HIDDEN if name in self.personal_fields else value
                raise InvalidInputError(name, shown, f"it is not for action {action!r}")
        if self.column is not None and self.columns is not None:
            raise InvalidInputError("columns", self.columns, "give one of column and columns")

    def _execute(self, context: Context) -> dict[str, Any]:
        values = self.read_arguments()
        action = values["action"]
        self._check_fields(action)
        run = {"add": self._add, "remove": self._remove, "upload": self._upload, "search": self._search}
        result = {"action": action, **run[action](values)}
        self.log.info("%s", {name: value for name, value in result.items() if name != "rows"})
        return result

    def _tag_id(self, values: Mapping[str, Any]) -> int:
        return self.hook.find_dnc_tag(values["tag"] or _DEFAULT_TAG)

    def _numbers(self, values: Mapping[str, Any]) -> list[str]:
        from airflow_provider_engagevoice.leads.dnc_numbers import read_numbers

        return read_numbers(self.revealed("numbers"), values["country"] or "USA")

    def _add(self, values: Mapping[str, Any]) -> dict[str, Any]:
        numbers = self._numbers(values)
        tag_id = self._tag_id(values)
        for number in numbers:
            self.hook.add_dnc_number(number, tag_id, values["country"] or "USA", reason=values["reason"])
        return {"numbers": len(numbers)}

    def _remove(self, values: Mapping[str, Any]) -> dict[str, Any]:
        from airflow_provider_engagevoice.exceptions import ResourceNotFoundError
        from airflow_provider_engagevoice.leads.dnc_numbers import forms_of

        country = values["country"] or "USA"
        numbers = self._numbers(values)
        tag_id = self._tag_id(values)
        absent = 0
        for number in numbers:
            removed = False
            for form in forms_of(number, country):
                try:
                    self.hook.remove_dnc_number(form, tag_id, country)
                except ResourceNotFoundError:
                    continue
                removed = True
            absent += not removed
        return {"numbers": len(numbers), "absent": absent}

    def _upload(self, values: Mapping[str, Any]) -> dict[str, Any]:
        from airflow_provider_engagevoice.leads.dnc_numbers import NumberSpool
        from airflow_provider_engagevoice.leads.mapping import read_mapping
        from airflow_provider_engagevoice.leads.report import RejectLimit
        from airflow_provider_engagevoice.leads.sources.base import ReadOptions
        from airflow_provider_engagevoice.utils.lead_sources import file_sources
        from airflow_provider_engagevoice.utils.reject_file import RejectFile

        country = values["country"] or "USA"
        limit = RejectLimit.of(self.max_bad_rows)
        columns = values["columns"] or ([] if values["column"] is None else [values["column"]])
        storage = values["rejects_path"], values["rejects_conn_id"], read_mapping()
        with NumberSpool(columns, country) as spool, RejectFile(*storage) as rejects:
            options = ReadOptions(
                values["encoding"] or "utf-8",
                values["delimiter"],
                header=values["header"],
                columns=spool.columns,
                # Of other columns nothing is read.
                drop_unnamed=True,
            )
            for source in file_sources(
                values["source"], conn_id=values["source_conn_id"], format=None, options=options
            ):
                rejects.start(source)
                for reject in spool.read(source):
                    rejects.write(reject)
            path = rejects.finish()
            spool.verify()
            tag_id = self._tag_id(values)
            for part in spool.parts():
                self._check_response(self.hook.upload_dnc_file(part, tag_id, country))
            self.log.info("%s", spool.report.text())
            # The others are protected now, whether or not this fails the task.
            limit.verify(spool.report)
            return {"numbers": spool.report.leads, "rejected": spool.report.bad, "rejects": path}

    def _check_response(self, response: object) -> None:
        """Check the response to an upload, whose format is not documented.

        :raises AirflowFailException: if it reports a failure
        """
        from airflow_provider_engagevoice.models.lead import ProcessingStatus
        from airflow_provider_engagevoice.models.phone import hide_phones

        if not isinstance(response, Mapping):
            return
        status = response.get("processingStatus")
        if status not in (None, ProcessingStatus.DEFAULT_NOT_A_FAILURE):
            raise AirflowFailException(f"the upload was refused: {status}")
        if rejected := response.get("rejectedRows"):
            count = len(rejected) if isinstance(rejected, list) else 1
            first = rejected[0] if isinstance(rejected, list) else rejected
            reason = first.get("message") if isinstance(first, Mapping) else None
            raise AirflowFailException(
                f"the server rejected {count} numbers of the upload, the first because of: "
                f"{hide_phones(str(reason))[:300]}"
            )

    def _search(self, values: Mapping[str, Any]) -> dict[str, Any]:
        from airflow_provider_engagevoice.exceptions import InvalidInputError
        from airflow_provider_engagevoice.models.phone import masked

        if values["output_path"] is not None:
            return self._search_to_file(values)
        rows: list[dict[str, Any]] = []
        for page in self._pages(values):
            rows += page
            if len(rows) > _MAX_ROWS:
                raise InvalidInputError(
                    "output_path", None, f"more than {_MAX_ROWS} numbers were found; write them to a file"
                )
        return {"numbers": len(rows), "rows": [{**row, "phone": masked(row["phone"])} for row in rows]}

    def _search_to_file(self, values: Mapping[str, Any]) -> dict[str, Any]:
        from airflow_provider_engagevoice.leads.writers import JsonLinesWriter
        from airflow_provider_engagevoice.storage import new_file

        path, count = values["output_path"], 0
        with new_file(path, values["output_conn_id"]) as file:
            writer = JsonLinesWriter(file)
            for page in self._pages(values):
                writer.write(page)
                count += len(page)
        return {"numbers": count, "path": path}

    def _pages(self, values: Mapping[str, Any]) -> Iterator[list[dict[str, Any]]]:
        from airflow_provider_engagevoice.client.endpoints import each_page
        from airflow_provider_engagevoice.client.endpoints.do_not_call import (
            number_key,
            search_dnc_numbers_page,
        )
        from airflow_provider_engagevoice.leads.dnc_numbers import forms_of

        criteria = dict(values["criteria"] or {})
        if values["country"] is not None:
            criteria["countryId"] = values["country"]
        numbers = None if self.revealed("numbers") is None else self._numbers(values)
        if values["tag"] is not None:
            criteria["dncTagId"] = self._tag_id(values)
        searches = [criteria]
        if numbers is not None:
            country = values["country"] or "USA"
            searches = [{**criteria, "phone": form} for one in numbers for form in forms_of(one, country)]
        found: set[tuple[str, ...]] = set()
        for search in searches:
            request_page = partial(search_dnc_numbers_page, search)
            for page in each_page(self.hook.run, request_page, number_key):
                if numbers is not None:
                    # A server may find an entry by several forms of its number.
                    page = [row for row in page if number_key(row) not in found]
                    found.update(map(number_key, page))
                yield page
