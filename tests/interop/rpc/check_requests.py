"""jsonrpc-requests against the consent API: a call, a notification and an error."""
import sys

from jsonrpc_requests import ProtocolError, Server

base, token = sys.argv[1:]
server = Server(f"{base}/user-multi-services")
params = {"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": 2}

assert server.assign_user_to_service(**params, user_id_in_service="requests") == "OK"
assert server.get_user_services(**params) == [{"service_id": 2}]
# The library accepts application/json-rpc, and only 200 for the answer of a notification.
assert server.delete_user_from_service(**params, _notification=True) is None
assert server.check_if_service_is_assign_to_user(**params) is False
try:
    server.get_user_services(**{**params, "portal_id": 9})
    raise AssertionError("an unknown portal was accepted")
except ProtocolError as refused:
    assert "-32011" in refused.args[0], refused.args
print("jsonrpc-requests: ok")
