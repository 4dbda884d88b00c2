"""Every request and look-up as a method, bound once for each engine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from airflow_provider_engagevoice.client import (
    api,
    do_not_call_api,
    lead_api,
    lead_file_api,
    lookup,
    real_time_api,
)
from airflow_provider_engagevoice.client.request import Procedure, Request

P = ParamSpec("P")
T = TypeVar("T")


def _sync(make: Callable[P, Procedure[T] | Request[T]]) -> Callable[Concatenate[SyncMethods, P], T]:
    @wraps(make)
    def method(self: SyncMethods, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return self.run(make(*args, **kwargs))

    return method


def _async(
    make: Callable[P, Procedure[T] | Request[T]],
) -> Callable[Concatenate[AsyncMethods, P], Coroutine[Any, Any, T]]:
    @wraps(make)
    async def method(self: AsyncMethods, /, *args: P.args, **kwargs: P.kwargs) -> T:
        return await self.run(make(*args, **kwargs))

    return method


class SyncMethods:
    """The API as blocking methods."""

    @abstractmethod
    def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result."""

    list_accounts = _sync(api.list_accounts)
    list_countries = _sync(api.list_countries)
    list_dial_groups = _sync(api.list_dial_groups)
    list_dial_groups_with_campaigns = _sync(api.list_dial_groups_with_campaigns)
    find_dial_group = _sync(lookup.find_dial_group)
    get_dial_group = _sync(api.get_dial_group)
    create_dial_group = _sync(api.create_dial_group)
    update_dial_group = _sync(api.update_dial_group)
    delete_dial_group = _sync(api.delete_dial_group)
    list_campaigns = _sync(api.list_campaigns)
    find_campaign = _sync(lookup.find_campaign)
    get_campaign = _sync(api.get_campaign)
    create_campaign = _sync(api.create_campaign)
    update_campaign = _sync(api.update_campaign)
    delete_campaign = _sync(api.delete_campaign)
    clone_campaign = _sync(api.clone_campaign)
    clear_campaign_cache = _sync(api.clear_campaign_cache)
    list_campaign_lists = _sync(api.list_campaign_lists)
    load_leads = _sync(lead_api.load_leads)
    preview_lead_file = _sync(lead_file_api.preview_lead_file)
    process_lead_file = _sync(lead_file_api.process_lead_file)
    search_leads = _sync(lead_api.search_leads)
    search_leads_page = _sync(lead_api.search_leads_page)
    search_leads_by_phones = _sync(lead_api.search_leads_by_phones)
    count_leads = _sync(lead_api.count_leads)
    update_lead = _sync(lead_api.update_lead)
    act_on_leads = _sync(lead_api.act_on_leads)
    list_lead_states = _sync(lead_api.list_lead_states)
    list_system_dispositions = _sync(lead_api.list_system_dispositions)
    list_dnc_numbers = _sync(do_not_call_api.list_dnc_numbers)
    search_dnc_numbers = _sync(do_not_call_api.search_dnc_numbers)
    search_dnc_numbers_page = _sync(do_not_call_api.search_dnc_numbers_page)
    add_dnc_number = _sync(do_not_call_api.add_dnc_number)
    remove_dnc_number = _sync(do_not_call_api.remove_dnc_number)
    upload_dnc_file = _sync(do_not_call_api.upload_dnc_file)
    list_dnc_tags = _sync(do_not_call_api.list_dnc_tags)
    create_dnc_tag = _sync(do_not_call_api.create_dnc_tag)
    delete_dnc_tag = _sync(do_not_call_api.delete_dnc_tag)
    find_dnc_tag = _sync(do_not_call_api.find_dnc_tag)
    list_outbound_statistics = _sync(real_time_api.list_outbound_statistics)
    find_outbound_statistics = _sync(real_time_api.find_outbound_statistics)


class AsyncMethods:
    """The API as coroutines."""

    @abstractmethod
    async def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result."""

    list_accounts = _async(api.list_accounts)
    list_countries = _async(api.list_countries)
    list_dial_groups = _async(api.list_dial_groups)
    list_dial_groups_with_campaigns = _async(api.list_dial_groups_with_campaigns)
    find_dial_group = _async(lookup.find_dial_group)
    get_dial_group = _async(api.get_dial_group)
    create_dial_group = _async(api.create_dial_group)
    update_dial_group = _async(api.update_dial_group)
    delete_dial_group = _async(api.delete_dial_group)
    list_campaigns = _async(api.list_campaigns)
    find_campaign = _async(lookup.find_campaign)
    get_campaign = _async(api.get_campaign)
    create_campaign = _async(api.create_campaign)
    update_campaign = _async(api.update_campaign)
    delete_campaign = _async(api.delete_campaign)
    clone_campaign = _async(api.clone_campaign)
    clear_campaign_cache = _async(api.clear_campaign_cache)
    list_campaign_lists = _async(api.list_campaign_lists)
    load_leads = _async(lead_api.load_leads)
    preview_lead_file = _async(lead_file_api.preview_lead_file)
    process_lead_file = _async(lead_file_api.process_lead_file)
    search_leads = _async(lead_api.search_leads)
    search_leads_page = _async(lead_api.search_leads_page)
    search_leads_by_phones = _async(lead_api.search_leads_by_phones)
    count_leads = _async(lead_api.count_leads)
    update_lead = _async(lead_api.update_lead)
    act_on_leads = _async(lead_api.act_on_leads)
    list_lead_states = _async(lead_api.list_lead_states)
    list_system_dispositions = _async(lead_api.list_system_dispositions)
    list_dnc_numbers = _async(do_not_call_api.list_dnc_numbers)
    search_dnc_numbers = _async(do_not_call_api.search_dnc_numbers)
    search_dnc_numbers_page = _async(do_not_call_api.search_dnc_numbers_page)
    add_dnc_number = _async(do_not_call_api.add_dnc_number)
    remove_dnc_number = _async(do_not_call_api.remove_dnc_number)
    upload_dnc_file = _async(do_not_call_api.upload_dnc_file)
    list_dnc_tags = _async(do_not_call_api.list_dnc_tags)
    create_dnc_tag = _async(do_not_call_api.create_dnc_tag)
    delete_dnc_tag = _async(do_not_call_api.delete_dnc_tag)
    find_dnc_tag = _async(do_not_call_api.find_dnc_tag)
    list_outbound_statistics = _async(real_time_api.list_outbound_statistics)
    find_outbound_statistics = _async(real_time_api.find_outbound_statistics)
