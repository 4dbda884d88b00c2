"""Search criteria of leads."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest

from airflow_provider_engagevoice.exceptions import InvalidInputError
from airflow_provider_engagevoice.models.lead_search import read_criteria, require_scope
from airflow_provider_engagevoice.sandbox.leads import criteria as sandbox_criteria


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        (None, {}),
        ({"campaignIds": 5}, {"campaignIds": [5]}),
        ({"campaignIds": ["5", 6]}, {"campaignIds": [5, 6]}),
        ({"leadIds": range(3)}, {"leadIds": [0, 1, 2]}),
        ({"leadStates": "READY"}, {"leadStates": ["READY"]}),
        ({"externIds": ["a", 12]}, {"externIds": ["a", "12"]}),
        ({"zip": 94105}, {"zip": "94105"}),
        ({"leadTimezones": ["CST"]}, {"leadTimezones": [{"name": "CST"}]}),
        ({"leadTimezones": {"name": "EST"}}, {"leadTimezones": [{"name": "EST"}]}),
        ({"orphanedLeadsOnly": True}, {"orphanedLeadsOnly": True}),
        ({"loadedDtsStart": "2026-07-01T07:00:00Z"}, {"loadedDtsStart": "2026-07-01T07:00:00.000+0000"}),
        (
            {"loadedDtsEnd": datetime(2026, 7, 1, 7, tzinfo=UTC)},
            {"loadedDtsEnd": "2026-07-01T07:00:00.000+0000"},
        ),
        (
            {"leadPassesCriteria": {"operator": "LESS_THAN", "value": "3"}},
            {"leadPassesCriteria": {"operator": "LESS_THAN", "value": 3}},
        ),
        (
            {"nextDialTimeCriteria": {"operator": "EQUALS", "value": "2026-07-01T09:00:00+02:00"}},
            {"nextDialTimeCriteria": {"operator": "EQUALS", "value": "2026-07-01T07:00:00.000+0000"}},
        ),
    ],
)
def test_what_is_sent(given: Any, sent: dict[str, Any]) -> None:
    assert read_criteria(given) == sent


@pytest.mark.parametrize(
    ("given", "message"),
    [
        (["READY"], "criteria=.*must be a mapping"),
        ({"leadState": ["READY"]}, r"criteria.leadState=.*nearest: 'leadStates'"),
        ({"leadStates": ["REDY"]}, r"criteria.leadStates=.*nearest: .*'READY'"),
        ({"leadStates": []}, "criteria.leadStates=.*at least one"),
        ({"campaignIds": [None]}, "criteria.campaignIds=.*only digits"),
        ({"campaignIds": True}, "criteria.campaignIds=.*only digits"),
        ({"listIds": ["12a"]}, "criteria.listIds=.*only digits"),
        ({"externIds": ["None"]}, "criteria.externIds=.*render to None"),
        ({"externIds": [1.5]}, "criteria.externIds=.*must be text"),
        ({"city": ""}, "criteria.city=.*must be text"),
        ({"suppressed": True}, "criteria.suppressed=.*ONLY_SUPPRESSED"),
        ({"systemDispositions": "ANSWERED"}, "nearest: 'ANSWER'"),
        ({"leadTimezones": ["Europe/Paris"]}, "criteria.leadTimezones=.*CST"),
        ({"orphanedLeadsOnly": "yes"}, "criteria.orphanedLeadsOnly=.*True or False"),
        ({"loadedDtsStart": "yesterday"}, "criteria.loadedDtsStart=.*2026-07-01"),
        ({"loadedDtsStart": datetime(2026, 7, 1)}, "criteria.loadedDtsStart=.*must have a UTC offset"),
        ({"leadPassesCriteria": 3}, "criteria.leadPassesCriteria=.*operator"),
        ({"leadPassesCriteria": {"operator": ">", "value": 3}}, "GREATER_THAN"),
        ({"lastPassTimeCriteria": {"operator": "EQUALS", "value": 3.5}}, "2026-07-01"),
    ],
)
def test_invalid_criteria(given: Any, message: str) -> None:
    with pytest.raises(InvalidInputError, match=message):
        read_criteria(given)


@pytest.mark.parametrize("name", ["campaignIds", "listIds", "leadIds"])
def test_scopes(name: str) -> None:
    require_scope(read_criteria({name: [1], "leadStates": ["READY"]}))


@pytest.mark.parametrize("given", [None, {"leadStates": ["READY"]}, {"externIds": ["a"]}])
def test_a_search_of_all_leads_is_not_allowed(given: Any) -> None:
    with pytest.raises(InvalidInputError, match="a search of all leads is not allowed"):
        require_scope(read_criteria(given))


def test_every_criterion_of_the_vendor_is_known() -> None:
    """The sandbox has exactly those of the vendor's specification."""
    known = {*sandbox_criteria._READERS, "campaignIds"}
    for name in known:
        with pytest.raises(InvalidInputError, match=f"criteria.{name}") as caught:
            read_criteria({name: {"no": "such value"}})
        assert "no such criterion" not in str(caught.value)
