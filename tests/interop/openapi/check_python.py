"""openapi-python-client with the package `gateway` that it generates of /openapi.json."""
import sys

from gateway import Client
from gateway.api.users import find_users, show_user
from results import column, equal

CLIENT = "openapi-python-client"
client = Client(sys.argv[1] + "/hammy/json/user/v1", headers={"X-Client-Hash-Key": "demo-hash-key"})


def call():
    user = show_user.sync("mokamiki", client=client).data
    found = user.attributes
    equal(
        (user.id, found.name, found.client_name, found.organizational_unit, found.status, found.email, found.roles),
        ("mokamiki", "Móka Miklós", "Default", "zsebtv", "ACTIVE", "moka.miklos@dbx.hu", ["majomidomar", "csokidealer"]),
    )
    page = find_users.sync(client=client, user_name="ki", limit=1)
    equal((page.meta.total, [user.id for user in page.data]), (2, ["hakapeszimaki"]))


def refusal():
    answer = show_user.sync_detailed("nobody", client=client)
    equal((answer.status_code, [error.code.value for error in answer.parsed.errors]), (404, ["USER_NOT_FOUND"]))


column(CLIENT, "call", call)
column(CLIENT, "refusal", refusal)
