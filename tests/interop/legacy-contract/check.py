"""zeep with a client made from an older WSDL, which the gateway serves: check.py URL flat|wrapped SERVICE PORT"""
import sys

import zeep

from results import column, equal

url, form, service, port = sys.argv[1:]
client = f"zeep-{form}"
parameter = {"flat": "order", "wrapped": "arg0"}[form]
name = f"zeep-{form}"


def entries(item, *values):
    return list(values) if form == "flat" else {item: list(values)}


def read(value, item):
    return list(value if form == "flat" else getattr(value, item, None) or []) if value is not None else []


def call(operation, code=0, **fields):
    request = {"requestMeta": {"clientHashKey": "demo-hash-key"}, **fields}
    answer = stub[operation](**{parameter: request})
    equal(answer.status.code, code)
    return answer


def find_users():
    found = call("findUsers", userName="ki", statuses=entries("status", "ACTIVE", "INACTIVE"))
    users = [(u.userName, read(u.roles, "role")) for u in read(found.users, "user")]
    equal((found.total, users), (2, [("hakapeszimaki", ["csokifogyaszto"]), ("mokamiki", ["majomidomar", "csokidealer"])]))


def create_user():
    user = {"userName": name, "name": "Pítön Ű", "email": f"{name}@dbx.hu", "roles": entries("role", "a", "b")}
    equal(call("createUser", user=user).user.name, "Pítön Ű")


def modify_user():
    changed = call("modifyUser", user={"userName": name, "organizationalUnit": "py", "roles": entries("role", "c", "d")}).user
    equal((changed.organizationalUnit, read(changed.roles, "role")), ("py", ["c", "d"]))


def change_password():
    call("changePassword", userName="hakapeszimaki", oldPassword="passWORD123", password="passWORD123")


def authenticate():
    params = entries("entry", {"key": "OTHER", "value": "x"}, {"key": "USER_ORG_UUID", "value": "moby"})
    answer = call("authenticate", userNameOrEmail="hakapeszimaki", password="passWORD123", params=params)
    (token,) = read(answer.params, "entry")
    equal((token.key, token.value[:4]), ("P_AUTH_TOKEN", "JWT "))


def refusal():
    (message,) = read(call("showUser", 2, userName="nobody").status.messages, "message")
    equal((message.severity, message.code), ("ERROR", "USER_NOT_FOUND"))


stub = column(client, "generate", lambda: zeep.Client(url + "?wsdl").bind(service, port))
if stub:
    column(client, "findUsers", find_users)
    column(client, "showUser", lambda: equal(call("showUser", userName="mokamiki").user.name, "Móka Miklós"))
    column(client, "createUser", create_user)
    column(client, "modifyUser", modify_user)
    column(client, "registerUser", lambda: call(
        "registerUser", username=f"{name}-r", password="ValaKi1234", name="Pítön", email=f"r-{name}@dbx.hu"))
    column(client, "resetPassword", lambda: call("resetPassword", userNameOrEmail=name))
    column(client, "changePassword", change_password)
    column(client, "authenticate", authenticate)
    column(client, "refusal", refusal)
