"""The sample of the vendor's document for its Python SDK: sign in, create a campaign, clone it.

Runs in the SDK's own environment: ``vendor_sdk_sample.py URL FLOW CREDENTIALS-AS-JSON``.
"""

import json
import sys

import ringcentral_engage_voice.engage_voice_client as sdk

CAMPAIGN = {
    "isActive": 1,
    "campaignName": "My Predictive Campaign",
    "campaignDesc": "A test predictive campaign",
    "startDate": "2020-05-26T07:00:00.000+0000",
    "endDate": "2025-05-26T07:00:00.000+0000",
    "maxRingTime": 30,
    "maxRingTimeTransfer": 60,
    "callerId": "4155550123",
    "dialLoadedOrder": 0,
}
DIAL_GROUPS = "/api/v1/admin/accounts/{accountId}/dialGroups"


def find(rows: list, name_field: str, name: str) -> dict:
    return next(row for row in rows if row[name_field] == name)


def main(url: str, flow: str, user: dict) -> None:
    if flow == "legacy":
        sdk.LEGACY_SERVERS.append(url)
        ev = sdk.RingCentralEngageVoice(server=url)
    else:
        ev = sdk.RingCentralEngageVoice(user["client_id"], user["client_secret"], url, url)
    if flow == "password":
        ev.authorize(
            username=user["username"],
            password=user["password"],
            extension=user["extension"],
        )
    elif flow == "jwt":
        ev.authorize(jwt=user["jwt"])
    else:
        ev.authorize(username=user["direct_username"], password=user["direct_password"])

    group = find(ev.get(DIAL_GROUPS).json(), "dialGroupName", "My New Dial Group")
    campaigns = f"{DIAL_GROUPS}/{group['dialGroupId']}/campaigns"
    created = ev.post(campaigns, CAMPAIGN).json()

    campaign = find(ev.get(campaigns).json(), "campaignName", "My Predictive Campaign")
    query = {"newCampaignName": "My New Predictive Campaign", "newCountryCode": "USA"}
    cloned = ev.post(f"{campaigns}/{campaign['campaignId']}/clone", params=query).json()

    refreshed = None
    if flow != "legacy":
        before = ev.token["refreshToken"]
        ev.refresh()
        refreshed = before != ev.token["refreshToken"] and len(ev.get(campaigns).json())
    print(json.dumps({"created": created, "cloned": cloned, "refreshed": refreshed}))


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], json.loads(sys.argv[3]))
