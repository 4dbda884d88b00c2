"""Load leads with the vendor's Python SDK in a loop, as its users do. Runs in the SDK's environment."""

import csv
import json
import resource
import sys
import time

import ringcentral_engage_voice.engage_voice_client as sdk

CHUNK = 500


def main(plan: dict) -> None:
    from itertools import islice

    secrets = plan["credentials"]
    ev = sdk.RingCentralEngageVoice(secrets["client_id"], secrets["client_secret"], plan["url"], plan["url"])
    ev.authorize(jwt=secrets["jwt"])
    path = f"/api/v1/admin/accounts/{{accountId}}/campaigns/{plan['campaign_id']}/leadLoader/direct"
    idle = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    began, rows = time.perf_counter(), 0
    with open(plan["source"], newline="") as file:
        reader = csv.DictReader(file)
        for _ in range(plan["chunks"]):
            leads = list(islice(reader, CHUNK))
            body = {
                "description": "Load",
                "dialPriority": "NORMAL",
                "duplicateHandling": "RETAIN_ALL",
                "listState": "ACTIVE",
                "timeZoneOption": "NPA_NXX",
                "uploadLeads": leads,
            }
            answer = ev.post(path, body).json()
            assert answer["processingStatus"] == "DEFAULT_NOT_A_FAILURE", answer
            rows += answer["leadsInserted"]
    seconds = time.perf_counter() - began
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    print(json.dumps({"rows": rows, "seconds": seconds, "check_seconds": 0.0, "mib": (peak - idle) / 1024}))


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
