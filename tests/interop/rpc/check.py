"""jsonrpcclient against the consent API: a call, a batch, a notification and an error."""
import json
import sys
import urllib.request

from jsonrpcclient import Error, Ok, notification, parse, request

base, token = sys.argv[1:]


def send(body):
    asked = urllib.request.Request(
        f"{base}/user-multi-services",
        json.dumps(body).encode(),
        {"Content-Type": "application/json-rpc"},
    )
    with urllib.request.urlopen(asked) as answer:
        return answer.status, answer.read()


params = {"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": 2}
named = {**params, "user_id_in_service": "py"}
status, text = send(request("assign_user_to_service", params=named))
assert parse(json.loads(text)).result == "OK", text
assert send(notification("delete_user_from_service", params=params)) == (200, b"")
status, text = send([request("check_if_service_is_assign_to_user", params=params), request("nothing")])
first, second = parse(json.loads(text))
assert isinstance(first, Ok) and first.result is False, text
assert isinstance(second, Error) and second.code == -32601, text
print("jsonrpcclient: ok")
