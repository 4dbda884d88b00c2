"""Every endpoint and lookup as a method, for the sync and the async client."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from airflow_provider_engagevoice.client import lookup
from airflow_provider_engagevoice.client.endpoints import campaigns, do_not_call, leads
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

    list_accounts = _sync(campaigns.list_accounts)
    list_countries = _sync(campaigns.list_countries)
    list_dial_groups = _sync(campaigns.list_dial_groups)
    list_dial_groups_with_campaigns = _sync(campaigns.list_dial_groups_with_campaigns)
    find_dial_group = _sync(lookup.find_dial_group)
    get_dial_group = _sync(campaigns.get_dial_group)
    create_dial_group = _sync(campaigns.create_dial_group)
    update_dial_group = _sync(campaigns.update_dial_group)
    delete_dial_group = _sync(campaigns.delete_dial_group)
    list_campaigns = _sync(campaigns.list_campaigns)
    find_campaign = _sync(lookup.find_campaign)
    get_campaign = _sync(campaigns.get_campaign)
    create_campaign = _sync(campaigns.create_campaign)
    update_campaign = _sync(campaigns.update_campaign)
    delete_campaign = _sync(campaigns.delete_campaign)
    clone_campaign = _sync(campaigns.clone_campaign)
    clear_campaign_cache = _sync(campaigns.clear_campaign_cache)
    list_campaign_lists = _sync(campaigns.list_campaign_lists)
    load_leads = _sync(leads.load_leads)
    preview_lead_file = _sync(leads.preview_lead_file)
    process_lead_file = _sync(leads.process_lead_file)
    search_leads = _sync(leads.search_leads)
    search_leads_page = _sync(leads.search_leads_page)
    search_leads_by_phones = _sync(leads.search_leads_by_phones)
    count_leads = _sync(leads.count_leads)
    update_lead = _sync(leads.update_lead)
    act_on_leads = _sync(leads.act_on_leads)
    list_lead_states = _sync(leads.list_lead_states)
    list_system_dispositions = _sync(leads.list_system_dispositions)
    list_dnc_numbers = _sync(do_not_call.list_dnc_numbers)
    search_dnc_numbers = _sync(do_not_call.search_dnc_numbers)
    search_dnc_numbers_page = _sync(do_not_call.search_dnc_numbers_page)
    add_dnc_number = _sync(do_not_call.add_dnc_number)
    remove_dnc_number = _sync(do_not_call.remove_dnc_number)
    upload_dnc_file = _sync(do_not_call.upload_dnc_file)
    list_dnc_tags = _sync(do_not_call.list_dnc_tags)
    create_dnc_tag = _sync(do_not_call.create_dnc_tag)
    delete_dnc_tag = _sync(do_not_call.delete_dnc_tag)
    find_dnc_tag = _sync(do_not_call.find_dnc_tag)
    list_outbound_statistics = _sync(campaigns.list_outbound_statistics)
    find_outbound_statistics = _sync(lookup.find_outbound_statistics)


class AsyncMethods:
    """The API as coroutines."""

    @abstractmethod
    async def run(self, procedure: Procedure[T] | Request[T]) -> T:
        """Run a procedure, or send one request, and return its result."""

    list_accounts = _async(campaigns.list_accounts)
    list_countries = _async(campaigns.list_countries)
    list_dial_groups = _async(campaigns.list_dial_groups)
    list_dial_groups_with_campaigns = _async(campaigns.list_dial_groups_with_campaigns)
    find_dial_group = _async(lookup.find_dial_group)
    get_dial_group = _async(campaigns.get_dial_group)
    create_dial_group = _async(campaigns.create_dial_group)
    update_dial_group = _async(campaigns.update_dial_group)
    delete_dial_group = _async(campaigns.delete_dial_group)
    list_campaigns = _async(campaigns.list_campaigns)
    find_campaign = _async(lookup.find_campaign)
    get_campaign = _async(campaigns.get_campaign)
    create_campaign = _async(campaigns.create_campaign)
    update_campaign = _async(campaigns.update_campaign)
    delete_campaign = _async(campaigns.delete_campaign)
    clone_campaign = _async(campaigns.clone_campaign)
    clear_campaign_cache = _async(campaigns.clear_campaign_cache)
    list_campaign_lists = _async(campaigns.list_campaign_lists)
    load_leads = _async(leads.load_leads)
    preview_lead_file = _async(leads.preview_lead_file)
    process_lead_file = _async(leads.process_lead_file)
    search_leads = _async(leads.search_leads)
    search_leads_page = _async(leads.search_leads_page)
    search_leads_by_phones = _async(leads.search_leads_by_phones)
    count_leads = _async(leads.count_leads)
    update_lead = _async(leads.update_lead)
    act_on_leads = _async(leads.act_on_leads)
    list_lead_states = _async(leads.list_lead_states)
    list_system_dispositions = _async(leads.list_system_dispositions)
    list_dnc_numbers = _async(do_not_call.list_dnc_numbers)
    search_dnc_numbers = _async(do_not_call.search_dnc_numbers)
    search_dnc_numbers_page = _async(do_not_call.search_dnc_numbers_page)
    add_dnc_number = _async(do_not_call.add_dnc_number)
    remove_dnc_number = _async(do_not_call.remove_dnc_number)
    upload_dnc_file = _async(do_not_call.upload_dnc_file)
    list_dnc_tags = _async(do_not_call.list_dnc_tags)
    create_dnc_tag = _async(do_not_call.create_dnc_tag)
    delete_dnc_tag = _async(do_not_call.delete_dnc_tag)
    find_dnc_tag = _async(do_not_call.find_dnc_tag)
    list_outbound_statistics = _async(campaigns.list_outbound_statistics)
    find_outbound_statistics = _async(lookup.find_outbound_statistics)
