"""jsonrpclib-pelix against the consent API: a call, a batch, a notification and an error."""
import sys

import jsonrpclib
from jsonrpclib.jsonrpc import ProtocolError

base, token = sys.argv[1:]
server = jsonrpclib.ServerProxy(f"{base}/user-multi-services")
params = {"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1, "service_id": 2}

assert server.assign_user_to_service(**params, user_id_in_service="pelix") == "OK"
# The library takes only 200 for the answer of a notification, and sends application/json-rpc.
assert server._notify.delete_user_from_service(**params) is None
batch = jsonrpclib.MultiCall(server)
batch.check_if_service_is_assign_to_user(**params)
batch.get_user_services(**params)
assert list(batch()) == [False, []]
try:
    server.get_user_services(**{**params, "portal_id": 9})
    raise AssertionError("an unknown portal was accepted")
except ProtocolError as refused:
    assert refused.args[0][0] == -32011, refused.args
print("jsonrpclib-pelix: ok")
