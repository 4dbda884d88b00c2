"""Every request and look-up as a method, bound once for each engine."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Coroutine
from functools import wraps
from typing import Any, Concatenate, ParamSpec, TypeVar

from airflow_provider_engagevoice.client import api, lookup
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
