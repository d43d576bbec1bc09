"""jsonrpc-requests against the consent API: a call, a notification and an error. It has no batches."""
import sys

from jsonrpc_requests import ProtocolError, Server
from results import column, equal

CLIENT = "jsonrpc-requests"
base, token = sys.argv[1:]
server = Server(base + "/user-multi-services")
caller = {"client_id": "konto.onet.pl.front", "token": token, "portal_id": 1}
service = {**caller, "service_id": 2}


def call():
    equal(server.assign_user_to_service(user_id_in_service=CLIENT, **service), "OK")
    equal(server.check_if_service_is_assign_to_user(**service), True)


def notification():
    equal(server.delete_user_from_service(_notification=True, **service), None)
    equal(server.check_if_service_is_assign_to_user(**service), False)


def error():
    try:
        server.check_user_agreements(**{**service, "service_id": 9})
    except ProtocolError as refused:
        equal(refused.server_data["error"]["data"]["messages"][0]["code"], "SERVICE_NOT_FOUND")
    else:
        raise AssertionError("no error")


column(CLIENT, "call", call)
column(CLIENT, "notification", notification)
column(CLIENT, "error", error)
