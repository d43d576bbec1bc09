"""marshmallow-jsonapi writes and reads the documents, and requests sends them."""
import sys

import requests
from marshmallow import EXCLUDE
from marshmallow_jsonapi import Schema, fields

from results import column, equal

CLIENT = "marshmallow-jsonapi"
base = sys.argv[1]
session = requests.Session()
session.headers.update({"X-Client-Hash-Key": "demo-hash-key", "Content-Type": "application/vnd.api+json"})


class User(Schema):
    class Meta:
        type_ = "users"
        unknown = EXCLUDE

    id = fields.Str()
    name = fields.Str()
    client_name = fields.Str(data_key="clientName")
    unit = fields.Str(data_key="organizationalUnit", allow_none=True)
    status = fields.Str()
    email = fields.Str()
    roles = fields.List(fields.Str())


class Refused(Exception):
    pass


def send(method, url, user=None):
    answer = session.request(method, url, json=user and User().dump(user))
    if not answer.ok:
        raise Refused([error["code"] for error in answer.json()["errors"]])
    return answer.json()


def read(document, many=False):
    return User(many=many).load(document)


def show(user_id):
    return read(send("GET", f"{base}/users/{user_id}"))


def create():
    for at in "ábc":
        data = {"name": f"Mályva {at}", "email": f"malyva-{len(ids)}@dbx.hu", "unit": "py", "roles": ["x", at]}
        user = read(send("POST", f"{base}/users", data))
        equal((user["name"], user["status"], user["roles"]), (data["name"], "UNACTIVATED", ["x", at]))
        ids.append(user["id"])


def show_one():
    equal(show("mokamiki"), {
        "id": "mokamiki", "name": "Móka Miklós", "client_name": "Default", "unit": "zsebtv", "status": "ACTIVE",
        "email": "moka.miklos@dbx.hu", "roles": ["majomidomar", "csokidealer"],
    })


def page():
    first = send("GET", f"{base}/users?filter[name]=MÁLYVA&page[limit]=2&sort=userName")
    second = send("GET", requests.compat.urljoin(base, first["links"]["next"]))
    pages = [[user["id"] for user in read(page, many=True)] for page in (first, second)]
    equal(pages, [sorted(ids)[:2], sorted(ids)[2:]])
    equal("next" in second["links"], False)


def modify():
    send("PATCH", f"{base}/users/{ids[0]}", {"id": ids[0], "roles": ["y"]})
    user = show(ids[0])
    equal((user["roles"], user["unit"]), (["y"], "py"))


def clear():
    send("PATCH", f"{base}/users/{ids[0]}", {"id": ids[0], "unit": None})
    equal(show(ids[0]).get("unit"), None)


def refused(code, *request):
    try:
        send(*request)
    except Refused as error:
        equal(error.args[0], [code])
    else:
        raise AssertionError("not refused")


def refusal():
    refused("USER_NOT_FOUND", "GET", f"{base}/users/nobody")
    refused("EMAIL_ALREADY_EXISTS", "POST", f"{base}/users", {"name": "x", "email": "admin@dbx.hu"})


def delete():
    for user_id in ids:
        send("DELETE", f"{base}/users/{user_id}")
        refused("USER_NOT_FOUND", "GET", f"{base}/users/{user_id}")


ids = []
column(CLIENT, "create", create)
column(CLIENT, "show", show_one)
column(CLIENT, "page", page)
column(CLIENT, "modify", modify)
column(CLIENT, "clear", clear)
column(CLIENT, "refusal", refusal)
column(CLIENT, "delete", delete)
