"""jsonapi-requests (Python): creates users, pages through them, shows, changes, clears and deletes them, and checks refusals."""
import json
import sys

from jsonapi_requests import Api, JsonApiObject, orm
from jsonapi_requests.request_factory import ApiClientError


def key(request):
    request.headers.update({"X-Client-Hash-Key": "demo-hash-key", "Accept-Language": "en"})
    return request


settings = {"API_ROOT": sys.argv[1], "AUTH": key, "TIMEOUT": 30, "RETRIES": 1}
# As it comes, this client ends every address with a slash, which a query does not bear.
slashed, plain = Api.config(settings), Api.config(settings, APPEND_SLASH=False)


class User(orm.ApiModel):
    class Meta:
        type = "users"
        api = orm.OrmApi.config(settings, APPEND_SLASH=False)

    name, email, status = orm.AttributeField("name"), orm.AttributeField("email"), orm.AttributeField("status")
    roles, unit = orm.AttributeField("roles"), orm.AttributeField("organizationalUnit")


def check(what, found, wanted):
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


def refused(what, call, status, code):
    try:
        call()
    except ApiClientError as error:
        check(what, error.status_code, status)
        check(what, [(e["status"], e["code"]) for e in json.loads(error.content)["errors"]], [(str(status), code)])
    else:
        raise AssertionError(f"{what}: not refused")


for api in (slashed, plain):
    check("show", api.endpoint("users/mokamiki").get().payload["data"], {
        "type": "users", "id": "mokamiki", "attributes": {
            "name": "Móka Miklós", "clientName": "Default", "organizationalUnit": "zsebtv", "status": "ACTIVE",
            "email": "moka.miklos@dbx.hu", "roles": ["majomidomar", "csokidealer"],
        },
    })

ids = []
for at in "abc":
    made = slashed.endpoint("users").post(object=JsonApiObject(
        type="users", attributes={"name": f"Róka {at}", "email": f"roka-{at}@dbx.hu", "roles": ["x", at]},
    )).data
    check("create", (made.type, made.attributes["status"], made.attributes["roles"]), ("users", "UNACTIVATED", ["x", at]))
    ids.append(made.id)
check("ids", len(set(filter(None, ids))), 3)
names = dict(zip(ids, ("Róka a", "Róka b", "Róka c")))
ids.sort()

query = {"page[limit]": 2, "filter[name]": "RÓKA", "sort": "userName"}
first = plain.endpoint("users").get(params=query).content
check("list", (first.meta["total"], [u.id for u in first.data]), (3, ids[:2]))
second = plain.endpoint(first.links["next"]).get().content
check("next page", (second.meta["total"], [u.id for u in second.data], "next" in second.links), (3, ids[2:], False))
check("models", [(u.id, u.name) for u in User.get_list(params=query)], [(at, names[at]) for at in ids[:2]])

user = User.from_id(ids[0])
check("read late", (user.name, user.status), (names[ids[0]], "UNACTIVATED"))
user.unit, user.roles = "py", ["y"]
user.save()
check("modify", (user.unit, user.roles, user.name), ("py", ["y"], names[ids[0]]))
again = User.from_id(ids[0])
check("modify", (again.unit, again.roles, again.name), ("py", ["y"], names[ids[0]]))

again.unit = None
again.save()
attributes = plain.endpoint(f"users/{ids[0]}").get().data.attributes
check("clear", (attributes.get("organizationalUnit"), attributes["roles"]), (None, ["y"]))

check("no such model", User.exists("nobody"), False)
refused("show", plain.endpoint("users/nobody").get, 404, "USER_NOT_FOUND")
refused("modify", User(JsonApiObject(type="users", id="nobody", attributes={"name": "x"})).save, 404, "USER_NOT_FOUND")
refused("create", User(JsonApiObject(type="users", attributes={"name": "x", "email": "admin@dbx.hu"})).save, 422, "EMAIL_ALREADY_EXISTS")

again.delete()
for at in ids[1:]:
    gone = slashed.endpoint(f"users/{at}").delete()
    check("delete", (gone.status_code, gone.data.type, gone.content.meta["responseStatus"]["code"]), (200, "emptyResponse", 0))
for at in ids:
    check("deleted", User.exists(at), False)
refused("delete", plain.endpoint("users/nobody").delete, 404, "USER_NOT_FOUND")
check("none left", User.get_list(params=query), [])
print("jsonapi-requests: ok")
