"""Arguments for lists of leads and numbers."""

from __future__ import annotations

import pytest

from airflow_provider_engagevoice.inputs import InvalidInputError
from airflow_provider_engagevoice.leads.list_arguments import read_encoding


@pytest.mark.parametrize("value", ["utf-9", "base64", "", None, "utf\0", 8.5])
def test_encodings(value: object) -> None:
    assert read_encoding(" cp1252 ") == "cp1252"
    with pytest.raises(InvalidInputError, match=r"^encoding="):
        read_encoding(value)
