"""jsonrpclib-pelix against the consent API: a call, a batch, a notification and an error."""
import sys

from jsonrpclib import MultiCall, ProtocolError, ServerProxy
from results import column, equal

CLIENT = "jsonrpclib-pelix"
base, token = sys.argv[1:]
server = ServerProxy(base + "/user-multi-services")
caller = {"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1}
service = {**caller, "service_id": 2}


def call():
    equal(server.assign_user_to_service(user_id_in_service=CLIENT, **service), "OK")
    equal(server.check_if_service_is_assign_to_user(**service), True)


def batch():
    calls = MultiCall(server)
    calls.check_if_service_is_assign_to_user(**service)
    calls.get_user_services(**caller)
    equal(list(calls()), [True, [{"service_id": 2}]])


def notification():
    equal(server._notify.delete_user_from_service(**service), None)
    equal(server.check_if_service_is_assign_to_user(**service), False)


def error():
    try:
        server.check_user_agreements(**{**service, "service_id": 9})
    except ProtocolError as refused:
        equal(refused.args[0][0], -32011)
    else:
        raise AssertionError("no error")


column(CLIENT, "call", call)
column(CLIENT, "batch", batch)
column(CLIENT, "error", error)
# Last, because the client cannot use its connection after a failed notification.
column(CLIENT, "notification", notification)
