"""A local stand-in for the RingCentral Engage Voice (RingCX) API, for demos and tests. It places no calls.

Start it with ``python -m airflow_provider_engagevoice.sandbox --port 8787``, or in a test with
:class:`airflow_provider_engagevoice.sandbox.server.SandboxServer`. It accepts the credentials in
:mod:`airflow_provider_engagevoice.sandbox.credentials`.

In addition to the vendor's API it serves a control API, which needs no sign-in:

=========================== ==========================================================================
``GET /``                   HTML page: accounts, dial groups, campaigns, recent requests
``GET /sandbox/requests``   recent requests, newest last; ``?limit=`` (default: 100)
``GET /sandbox/history``    every write to a campaign, oldest first; ``?campaignId=``
``GET /sandbox/counters``   sign-ins of the last minute, 429s, requests by status and by route
``GET /sandbox/faults``     configured faults, with the number of requests each was applied to
``POST /sandbox/faults``    add a fault: see :class:`airflow_provider_engagevoice.sandbox.faults.Fault`
``DELETE /sandbox/faults``  remove all faults
``GET /sandbox/dialer``     dialer settings
``POST /sandbox/dialer``    change them: see
                            :class:`airflow_provider_engagevoice.sandbox.settings.DialerSettings`
``GET /sandbox/dialect``    what the server does where the vendor's documents leave it open
``POST /sandbox/dialect``   change points of it: see
                            :mod:`airflow_provider_engagevoice.sandbox.dialects`
``POST /sandbox/maintenance``
                            answer requests as in maintenance; ``?seconds=``; DELETE ends it
``GET /sandbox/passes``     completed calls, oldest first; ``?campaignId=``, paged like lists
``POST /sandbox/reset``     restore the initial data; invalidates all tokens
=========================== ==========================================================================
"""
