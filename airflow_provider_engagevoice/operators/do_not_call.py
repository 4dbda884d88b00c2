"""The internal do-not-call list: put numbers on it, take them off, look at it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import TYPE_CHECKING, Any

from airflow.providers.common.compat.sdk import AirflowFailException

from airflow_provider_engagevoice.operators.base import EngageVoiceOperator

if TYPE_CHECKING:
    from collections.abc import Iterator

    from airflow.providers.common.compat.sdk import Context

# As in operators.campaigns, what a task needs at run time is imported there.

#: What each action needs, and what it takes besides.
_FIELDS: Mapping[str, tuple[frozenset[str], frozenset[str]]] = {
    "add": (frozenset({"numbers"}), frozenset({"reason"})),
    "remove": (frozenset({"numbers"}), frozenset()),
    "upload": (frozenset({"source"}), frozenset({"source_conn_id"})),
    "search": (frozenset(), frozenset({"numbers", "criteria", "path", "path_conn_id"})),
}
#: The vendor's tag that every account has.
_EVERYBODY = "GLOBAL"
#: Entries that a search returns as XCom; more belong into a file.
_MOST_ROWS = 1000


class EngageVoiceDncOperator(EngageVoiceOperator):
    """
    Add numbers to the internal do-not-call list, remove them, upload a file of them, or search it.

    All numbers are checked and brought into one form before anything is sent: ten digits for the United
    States and Canada, E.164 for others. One that cannot be dialed fails the task, with its place, and nothing
    is sent. Every action may be done again: a number that is there already, or gone already, is a success.

    Returns ``action`` and ``numbers``, how many there were; ``remove`` also ``absent``, how many of them were
    not on the list; ``search`` also ``rows``, the entries, or ``path``. A search of more than a thousand
    entries needs ``path``.

    The vendor documents neither what the file of an upload looks like nor what can be searched by. Sent is
    text with a number on each line, in parts, and ``dncTagId`` and ``countryId`` by the names that an entry
    has; an answer that tells of rejected numbers fails the task. Searched is by the names of an entry's
    fields.

    .. seealso::
        `Vendor's document on do-not-call lists
        <https://developers.ringcentral.com/engage/voice/guide/dialing/dnc/dnc-list>`__

    :param action: ``add``, ``remove``, ``upload`` or ``search``
    :param numbers: a number or several, for all actions but ``upload``
    :param source: file of numbers on Airflow's object storage, or several, for ``upload``: as for
        :class:`~airflow_provider_engagevoice.operators.leads.EngageVoiceLoadLeadsOperator`
    :param source_conn_id: connection of the storage
    :param column: of the file, in which the numbers are; cells without any are passed over
    :param tag: id or label of the tag that the numbers are under; ``GLOBAL`` where left out, and for
        ``search`` any
    :param country: of the numbers, three letters; ``USA`` where left out, and for ``search`` any
    :param reason: for ``add``
    :param criteria: of ``search``, such as ``{"externId": "lead-1001"}``; all of them have to hold
    :param path: file of JSON lines on Airflow's object storage, which ``search`` writes
    :param path_conn_id: connection of its storage
    :param engagevoice_conn_id: connection of type ``engagevoice``
    """

    template_fields: Sequence[str] = (
        "action",
        "numbers",
        "source",
        "source_conn_id",
        "column",
        "tag",
        "country",
        "reason",
        "criteria",
        "path",
        "path_conn_id",
        "engagevoice_conn_id",
    )
    template_fields_renderers = {"criteria": "json"}

    def __init__(
        self,
        *,
        action: str,
        numbers: str | int | Sequence[str | int] | None = None,
        source: str | Sequence[str] | None = None,
        source_conn_id: str | None = None,
        column: str = "phone",
        tag: str | int | None = None,
        country: str | None = None,
        reason: str | None = None,
        criteria: Mapping[str, Any] | None = None,
        path: str | None = None,
        path_conn_id: str | None = None,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        self.action = action
        self.numbers = numbers
        self.source = source
        self.source_conn_id = source_conn_id
        self.column = column
        self.tag = tag
        self.country = country
        self.reason = reason
        self.criteria = criteria
        self.path = path
        self.path_conn_id = path_conn_id

    def _execute(self, context: Context) -> dict[str, Any]:
        self._check_fields()
        action = {"add": self._add, "remove": self._remove, "upload": self._upload, "search": self._search}
        told = {"action": self.action, **action[self.action]()}
        self.log.info("%s", {name: value for name, value in told.items() if name != "rows"})
        return told

    def _check_fields(self) -> None:
        from airflow_provider_engagevoice.exceptions import InvalidInputError

        if self.action not in _FIELDS:
            raise InvalidInputError("action", self.action, f"write one of {', '.join(_FIELDS)}")
        needed, allowed = _FIELDS[self.action]
        for name in sorted(set().union(*(fields for pair in _FIELDS.values() for fields in pair))):
            value = getattr(self, name)
            if value is None and name in needed:
                raise InvalidInputError(name, value, f"action {self.action!r} needs it")
            if value is not None and name not in needed | allowed:
                raise InvalidInputError(name, value, f"it is not for action {self.action!r}")

    @property
    def _country(self) -> str:
        return "USA" if self.country is None else self.country.strip().upper()

    def _tag_id(self) -> int:
        return self.hook.find_dnc_tag(_EVERYBODY if self.tag is None else self.tag)

    def _numbers(self) -> list[str]:
        from airflow_provider_engagevoice.leads.dnc_numbers import read_numbers

        return read_numbers(self.numbers, self._country)

    def _add(self) -> dict[str, Any]:
        numbers = self._numbers()
        tag_id = self._tag_id()
        for number in numbers:
            self.hook.add_dnc_number(number, tag_id, self._country, reason=self.reason)
        return {"numbers": len(numbers)}

    def _remove(self) -> dict[str, Any]:
        from airflow_provider_engagevoice.exceptions import ResourceNotFoundError

        numbers = self._numbers()
        tag_id = self._tag_id()
        absent = 0
        for number in numbers:
            try:
                self.hook.remove_dnc_number(number, tag_id, self._country)
            except ResourceNotFoundError:
                absent += 1
        return {"numbers": len(numbers), "absent": absent}

    def _upload(self) -> dict[str, Any]:
        from airflow_provider_engagevoice.leads.dnc_numbers import NumberSpool
        from airflow_provider_engagevoice.utils.lead_sources import file_sources

        assert self.source is not None
        with NumberSpool(self.column, self._country) as spool:
            for source in file_sources(
                self.source, conn_id=self.source_conn_id, format=None, encoding="utf-8"
            ):
                spool.read(source)
            spool.verify()
            tag_id = self._tag_id()
            for part in spool.parts():
                self._check_answer(self.hook.upload_dnc_file(part, tag_id, self._country))
            return {"numbers": spool.count}

    def _check_answer(self, answer: object) -> None:
        """Fail when the answer to an upload, whose shape is not documented, tells of a failure."""
        from airflow_provider_engagevoice.models.lead import ProcessingStatus

        if not isinstance(answer, Mapping):
            return
        status = answer.get("processingStatus")
        if status not in (None, ProcessingStatus.DEFAULT_NOT_A_FAILURE):
            raise AirflowFailException(f"the upload was refused: {status}")
        if rejected := answer.get("rejectedRows"):
            raise AirflowFailException(f"the upload was taken but for some of its numbers: {rejected!s:.300}")

    def _search(self) -> dict[str, Any]:
        from airflow_provider_engagevoice.exceptions import InvalidInputError

        if self.path is not None:
            return self._search_to_file(self.path)
        rows: list[dict[str, Any]] = []
        for page in self._found():
            rows += page
            if len(rows) > _MOST_ROWS:
                raise InvalidInputError(
                    "path", None, f"more than {_MOST_ROWS} numbers were found: give a file to write them to"
                )
        return {"numbers": len(rows), "rows": rows}

    def _search_to_file(self, path: str) -> dict[str, Any]:
        from airflow_provider_engagevoice.leads.writers.tables import JsonLinesWriter
        from airflow_provider_engagevoice.utils.object_storage import new_file

        count = 0
        with new_file(path, self.path_conn_id) as file:
            writer = JsonLinesWriter(file)
            for page in self._found():
                writer.write(page)
                count += len(page)
        return {"numbers": count, "path": path}

    def _found(self) -> Iterator[list[dict[str, Any]]]:
        from airflow_provider_engagevoice.client.endpoints.do_not_call import (
            PAGE_ROWS,
            number_key,
            search_dnc_numbers_page,
        )
        from airflow_provider_engagevoice.client.pagination import each_page

        wanted = dict(self.criteria or {})
        if self.country is not None:
            wanted["countryId"] = self._country
        numbers = None if self.numbers is None else self._numbers()
        if self.tag is not None:
            wanted["dncTagId"] = self._tag_id()
        for criteria in [wanted] if numbers is None else [{**wanted, "phone": one} for one in numbers]:
            yield from each_page(
                self.hook.run, partial(search_dnc_numbers_page, criteria), number_key, PAGE_ROWS
            )
