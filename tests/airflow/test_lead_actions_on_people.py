"""Lead actions on people who are named by phone or id."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from airflow_provider_engagevoice.client.client import EngageVoiceClient
from airflow_provider_engagevoice.client.endpoints import leads as endpoints
from airflow_provider_engagevoice.leads.loading import LoadOptions
from tests.support.lead_actions import CAMPAIGN, act, acted, leads
from tests.support.lead_lists import list_of, load

STOPPED = {
    "SUPPRESS_LEADS": ("READY", True),
    "CANCEL_LEADS": ("CANCELLED", False),
    "PAUSE_LEADS": ("PAUSED", False),
    "DELETE_LEADS": None,
}


@pytest.fixture
def client(sandbox, client_settings):
    """A client of a sandbox with ten leads in the campaign."""
    with EngageVoiceClient(client_settings) as client:
        load(client, CAMPAIGN, 10)
        yield client


def in_state(client: EngageVoiceClient) -> dict[str, tuple[str, bool]]:
    return {name: (row["leadState"], row["suppressed"]) for name, row in leads(client).items()}


@pytest.mark.parametrize("action", STOPPED)
@pytest.mark.parametrize(
    "written",
    ["+1 ({0}) {1}-{2}", "1-{0}-{1}-{2}", "{0}{1}{2}.0", "{0}{1}{2}", "1{0}{1}{2}", "\u202a{0}.{1}.{2}"],
)
@pytest.mark.few(5)
def test_people_named_by_phone_are_not_called(client, sandbox, run_dag, action, written) -> None:
    digits = leads(client)["L3"]["leadPhone"]
    phone = written.format(digits[:3], digits[3:6], digits[6:])
    stranger = "+1 415 555 0199"
    run = run_dag(act(action, action, criteria={"leadPhoneNumbers": [phone, stranger]}, max_leads=1))
    assert run.states == {"it": "success"}
    after = in_state(client)
    assert after.pop("L3", None) == STOPPED[action]
    assert set(after.values()) == {("READY", False)}
    xcom = run.xcoms["it"]
    assert (xcom["counted"], xcom["updated"] + xcom["deleted"], xcom["not_found"]) == (1, 1, 1)


@pytest.mark.parametrize("value", [4155550100, 4155550100.0, "4155550100.00"])
def test_phones_of_number_types_are_read(client, run_dag, value) -> None:
    run = run_dag(act("types", "SUPPRESS_LEADS", criteria={"leadPhoneNum": value}))
    assert run.states == {"it": "success"}
    assert run.xcoms["it"]["not_found"] == 1


@pytest.mark.parametrize("stored", ["sent", "e164", "national"])
@pytest.mark.parametrize(
    ("country", "number", "written"),
    [
        ("USA", "4155550123", "(415) 555-0123"),
        ("AUS", "+61412345678", "0412 345 678"),
        ("DEU", "+4930123456", "030/123456"),
        ("ITA", "+390612345678", "06 1234 5678"),
    ],
)
@pytest.mark.few(3)
def test_people_are_found_in_each_form_that_a_server_may_hold(
    sandbox, client_settings, run_dag, monkeypatch, stored, country, number, written
) -> None:
    monkeypatch.setattr(sandbox.backend, "settings", replace(sandbox.settings, stored_phones=stored))
    sandbox.set_dialect(phone_search="exact text")
    with EngageVoiceClient(client_settings) as client:
        others = [
            {
                "externId": "other",
                "leadPhone": {"USA": "4155550124", "AUS": "+61412345679"}.get(country, f"{number[:-1]}7"),
            }
        ]
        for lead in [{"externId": "named", "leadPhone": number}, *others]:
            lead["leadPhoneE164"] = lead["leadPhone"] if country != "USA" else f"+1{lead['leadPhone']}"
            options = LoadOptions("list", "0123abcd", in_e164=country != "USA")
            body = options.request("list") | {"uploadLeads": [lead]}
            assert client.load_leads(CAMPAIGN, json.dumps(body).encode()).leadsInserted == 1
        criteria = {"leadPhoneNumbers": written}
        run = run_dag(act("forms", "SUPPRESS_LEADS", criteria=criteria, country=country))
        assert run.states == {"it": "success"}
        assert (run.xcoms["it"]["updated"], run.xcoms["it"]["not_found"]) == (1, 0)
        assert in_state(client) == {"named": ("READY", True), "other": ("READY", False)}


@pytest.mark.parametrize("action", ["SUPPRESS_LEADS", "DELETE_LEADS"])
def test_the_second_number_of_a_lead_is_found_by_a_server_that_compares_texts(
    client, sandbox, run_dag, monkeypatch, action
) -> None:
    sandbox.set_dialect(phone_search="exact text")
    lead = {"externId": "two", "leadPhone": "4155550123|4155550124"}
    body = LoadOptions("list", "0123abcd").request("list") | {"uploadLeads": [lead]}
    assert client.load_leads(CAMPAIGN, json.dumps(body).encode()).leadsInserted == 1
    criteria = {"leadPhoneNumbers": ["415-555-0124", "415-200-0003"]}
    run = run_dag(act("second", action, criteria=criteria, max_leads=2))
    assert run.states == {"it": "success"}
    assert (run.xcoms["it"]["counted"], run.xcoms["it"]["not_found"]) == (2, 0)
    after = in_state(client)
    assert {after.pop(name, None) for name in ("two", "L3")} == {STOPPED[action]}
    assert set(after.values()) == {("READY", False)}


@pytest.mark.parametrize("most", [None, 2])
def test_the_second_number_of_a_lead_is_found_on_any_page(
    client, sandbox, run_dag, monkeypatch, capfd, caplog, most
) -> None:
    caplog.set_level("INFO")
    sandbox.set_dialect(phone_search="exact text")
    monkeypatch.setattr(endpoints, "SEARCH_ROWS", 3)
    # The first is found by its number, which is also the second number of the other.
    both = [{"externId": "one", "leadPhone": "4155550124"}]
    both.append({"externId": "two", "leadPhone": "4155550123|4155550124"})
    body = list_of(0) | {"uploadLeads": both}
    assert client.load_leads(CAMPAIGN, json.dumps(body).encode()).leadsInserted == 2
    criteria = {"leadPhoneNumbers": ["415-555-0124", "415-555-0125"]}
    run = run_dag(act("pages", "SUPPRESS_LEADS", criteria=criteria, max_leads=most))
    assert run.states == {"it": "success"}
    assert (run.xcoms["it"]["updated"], run.xcoms["it"]["not_found"]) == (2, 1)
    assert [name for name, state in in_state(client).items() if state[1]] == ["one", "two"]
    assert "reading all 12 leads" in "".join([*capfd.readouterr(), caplog.text])


def test_a_named_person_who_can_still_be_called_fails_the_task(client, sandbox, run_dag) -> None:
    criteria = {"externIds": ["L1", "L2"], "leadStates": ["COMPLETE"]}
    run = run_dag(act("left", "SUPPRESS_LEADS", criteria=criteria))
    assert run.states == {"it": "failed"}
    assert "2 of the named leads can still be called" in str(run.errors["it"])


def test_names_without_a_lead_are_counted(client, sandbox, run_dag) -> None:
    for criteria, missing in (
        ({"externIds": ["L1", "L99", "L98"]}, 2),
        ({"externIds": "L99"}, 1),
        ({"leadPhoneNumbers": ["415-555-0198", "+1 415 555 0198"]}, 1),
    ):
        run = run_dag(act("missing", "SUPPRESS_LEADS", criteria=criteria))
        assert run.states == {"it": "success"}
        assert run.xcoms["it"]["not_found"] == missing


@pytest.mark.parametrize(
    ("criteria", "message"),
    [
        ({"leadPhoneNumbers": ["4155550123", "5550123"]}, "criteria.leadPhoneNumbers[1]='***23'"),
        ({"leadPhoneNumbers": "+44 20 7183 8750"}, "another country (GB)"),
    ],
)
def test_phones_that_cannot_be_read_stop_the_action(client, sandbox, run_dag, criteria, message) -> None:
    run = run_dag(act("unread", "SUPPRESS_LEADS", criteria=criteria))
    assert run.states == {"it": "failed"}
    assert message in str(run.errors["it"])
    assert "5550123" not in str(run.errors["it"])
    assert "8750" not in str(run.errors["it"])
    assert not acted(sandbox)


def test_phones_without_a_campaign_need_a_country(client, sandbox, run_dag) -> None:
    rows = client.search_leads({"campaignIds": [CAMPAIGN]})
    phone = rows[0]["leadPhone"]
    lists = {"listIds": rows[0]["listId"], "leadPhoneNumbers": f"+1{phone}"}
    run = run_dag(act("lists", "SUPPRESS_LEADS", campaign=None, criteria=lists))
    assert "country=None" in str(run.errors["it"])
    run = run_dag(act("lists", "SUPPRESS_LEADS", campaign=None, criteria=lists, country="USA"))
    assert run.xcoms["it"]["updated"] == 1
    campaigns = {"campaignIds": [CAMPAIGN], "leadPhoneNumbers": f"+1{phone}"}
    run = run_dag(act("campaigns", "SUPPRESS_LEADS", campaign=None, criteria=campaigns))
    assert run.xcoms["it"]["updated"] == 1
