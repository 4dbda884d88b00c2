"""client/directory: the campaigns that rows name."""

from __future__ import annotations

from typing import Any

from airflow_provider_engagevoice.client.directory import CampaignDirectory
from airflow_provider_engagevoice.client.lookup import LAG_SECONDS
from airflow_provider_engagevoice.client.request import Pause, run_steps
from airflow_provider_engagevoice.exceptions import ResourceNotFoundError
from airflow_provider_engagevoice.models.campaign import Campaign


class Server:
    """Answers lists and reads of one dial group.

    :ivar names: what the list shows
    :ivar now: what a read shows, if that is something else; None if the campaign is gone
    """

    def __init__(self, names: dict[int, str]) -> None:
        self.names = names
        self.now: dict[int, str | None] = {}
        self.asked: list[str] = []
        self.waited = 0.0

    def perform(self, step: Any) -> Any:
        if isinstance(step, Pause):
            self.waited += step.seconds
            return None
        self.asked.append(step.path)
        if step.path.endswith("/campaigns"):
            if step.query.get("page", 1) != 1:
                return []
            return [self._campaign(one, name) for one, name in self.names.items()]
        campaign_id = int(step.path.rpartition("/")[2])
        name = self.now.get(campaign_id, self.names.get(campaign_id))
        if name is None:
            self.names.pop(campaign_id, None)
            raise ResourceNotFoundError("gone", method="GET", path=step.path, status=404)
        return self._campaign(campaign_id, name)

    @staticmethod
    def _campaign(campaign_id: int, name: str) -> Campaign:
        return Campaign.from_server({"campaignId": campaign_id, "campaignName": name})

    def find(self, directory: CampaignDirectory, text: str) -> int | None:
        found = run_steps(directory.find(text), self.perform)
        return None if found is None else found.campaign_id


def test_names_and_ids_are_found_with_one_list() -> None:
    server, directory = Server({7: "Red", 8: "20261201", 9: "Cafe\u0301"}), CampaignDirectory(3)
    found = [server.find(directory, text) for text in ("Red", "7", "20261201", "Caf\xe9")]
    assert found == [7, 7, 8, 9]
    listed = len([path for path in server.asked if path.endswith("/campaigns")])
    assert len(server.asked) - listed == 4
    again = len(server.asked)
    server.find(directory, "Red")
    assert len(server.asked) == again + 1


def test_what_is_not_found_is_awaited_once_for_all_names() -> None:
    server, directory = Server({7: "Red"}), CampaignDirectory(3)
    assert [server.find(directory, text) for text in ("Rad", "Blue", "")] == [None, None, None]
    assert server.waited == LAG_SECONDS
    assert directory.problem("Rad") == "; nearest: 'Red'"


def test_a_name_or_id_of_several_campaigns_is_not_found() -> None:
    server, directory = Server({7: "Red", 8: "Red", 9: "7"}), CampaignDirectory(3)
    assert [server.find(directory, text) for text in ("Red", "7", "8")] == [None, None, 8]
    assert directory.problem("Red") == "; it means several campaigns: 7, 8; use the id"
    assert directory.problem("7") == "; it means several campaigns: 7, 9; use the id"


def test_a_campaign_that_was_renamed_or_deleted_meanwhile_is_not_found() -> None:
    server, directory = Server({7: "Red", 8: "Blue"}), CampaignDirectory(3)
    server.now = {7: "Green", 8: None}
    assert [server.find(directory, text) for text in ("Red", "7", "Blue")] == [None, 7, None]
