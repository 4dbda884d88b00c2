"""The ways of loading leads, by the names that users give them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.leads.direct_method import DirectMethod
from airflow_provider_engagevoice.leads.file_method import FileMethod
from airflow_provider_engagevoice.leads.method import LoadMethod
from airflow_provider_engagevoice.leads.phones import Phones

METHODS: Mapping[str, type[LoadMethod]] = MappingProxyType({"direct": DirectMethod, "file": FileMethod})


def read_method(value: object, country: str) -> type[LoadMethod]:
    """Return the method that a user named.

    :param country: of the numbers, three letters
    :raises InvalidInputError: when there is none of that name, or it cannot load such numbers
    """
    method = METHODS.get(str(value))
    if method is None:
        raise InvalidInputError("method", value, f"write {' or '.join(METHODS)}")
    if method is FileMethod and not Phones(country).ten_digits:
        raise InvalidInputError("method", value, f"numbers of {country} can be loaded by direct alone")
    return method
