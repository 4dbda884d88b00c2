"""A local stand-in for the RingCentral Engage Voice (RingCX) API, for demos and tests. It rings nobody.

Start it with ``python -m airflow_provider_engagevoice.sandbox --port 8787``, or inside a test with
:class:`airflow_provider_engagevoice.sandbox.server.SandboxServer`. The credentials it accepts are in
:mod:`airflow_provider_engagevoice.sandbox.credentials`.

Beside the vendor's API it has a control plane, which needs no sign-in and exists in no real Engage Voice:

=========================== ==========================================================================
``GET /``                   the page: accounts, dial groups, campaigns, last requests
``GET /sandbox/requests``   the last requests, newest last; ``?limit=`` (100)
``GET /sandbox/history``    every write to a campaign, oldest first; ``?campaignId=``
``GET /sandbox/counters``   exchanges of the last minute, refusals, requests by status and by route
``GET /sandbox/faults``     the faults asked for, and how often each has struck
``POST /sandbox/faults``    ask for one: see :class:`airflow_provider_engagevoice.sandbox.faults.Fault`
``DELETE /sandbox/faults``  forget them all
``GET /sandbox/dialer``     how the dialer dials
``POST /sandbox/dialer``    let it dial in another way: see
                            :class:`airflow_provider_engagevoice.sandbox.settings.DialerSettings`
``GET /sandbox/passes``     calls that came to something, oldest first; ``?campaignId=``, paged like lists
``POST /sandbox/reset``     back to the world of the first start; signs everybody out
=========================== ==========================================================================
"""
