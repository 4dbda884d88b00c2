"""The credentials that the sandbox accepts, as constants to build connections from. They are not real."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

CLIENT_ID: Final = "sandbox-client-id"
CLIENT_SECRET: Final = "sandbox-client-secret"
JWT: Final = "sandbox-jwt-assertion"
USERNAME: Final = "+14155550100"
EXTENSION: Final = "101"
PASSWORD: Final = "sandbox-password"
DIRECT_USERNAME: Final = "admin@example.com"
DIRECT_PASSWORD: Final = "sandbox-password"
PLATFORM_ID: Final = "aws80"
API_TOKEN: Final = "aws80:5eed5eed-0000-4000-8000-5eed5eed5eed"


@dataclass(frozen=True, slots=True)
class Credentials:
    """One user who can sign in with every documented flow.

    :param client_id: RingCentral application id; with ``client_secret`` the Basic credentials of both grants
    :param jwt: assertion of the JWT grant
    :param username: RingCentral user of the password grant, used with ``extension`` and ``password``
    :param direct_username: user of the Engage direct and legacy logins, used with ``direct_password``
    :param platform_id: ``platformId`` of the Engage direct login
    :param api_token: permanent API token that exists from the start
    """

    client_id: str = CLIENT_ID
    client_secret: str = CLIENT_SECRET
    jwt: str = JWT
    username: str = USERNAME
    extension: str = EXTENSION
    password: str = PASSWORD
    direct_username: str = DIRECT_USERNAME
    direct_password: str = DIRECT_PASSWORD
    platform_id: str = PLATFORM_ID
    api_token: str = API_TOKEN
