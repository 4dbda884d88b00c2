"""Shared by the unit tests: the vendor's sample, and properties that are the same in every run."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from tests.support.cases import cases

_SAMPLE = Path(__file__).parent / "data" / "campaign_response.json"


settings.register_profile(
    "unit",
    max_examples=cases(100),
    derandomize=True,
    deadline=None,
    database=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
settings.load_profile("unit")


@pytest.fixture
def sample_text() -> str:
    """The response to the creation of a campaign, exactly as in the vendor's document."""
    return _SAMPLE.read_text()


@pytest.fixture
def sample(sample_text: str) -> dict[str, Any]:
    """The same, decoded."""
    decoded: dict[str, Any] = json.loads(sample_text)
    return decoded
