"""jsonapi-client (Python): creates users, pages through them, shows, changes, clears and deletes them, and checks refusals."""
import asyncio
import sys

from jsonapi_client import Filter, Session
from jsonapi_client.exceptions import DocumentError

base = sys.argv[1]
text, texts = {"type": ["string", "null"]}, {"type": "array", "items": {"type": "string"}}
settings = {
    "server_url": base,
    "request_kwargs": {"headers": {
        "X-Client-Hash-Key": "demo-hash-key", "Accept": "application/vnd.api+json", "Accept-Language": "en",
    }},
    # This client cannot make a resource that it has no schema of; what comes back is held against it, too.
    "schema": {"users": {"additionalProperties": False, "required": ["name", "email", "roles"], "properties": {
        "name": text, "clientName": text, "organizationalUnit": text, "status": text, "email": text, "roles": texts,
    }}},
}


def check(what, found, wanted):
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


def refused(what, call, status, code):
    try:
        call()
    except DocumentError as error:
        check(what, error.errors["status_code"], status)
        check(what, [(e["status"], e["code"]) for e in error.response.json()["errors"]], [(str(status), code)])
    else:
        raise AssertionError(f"{what}: not refused")


session = Session(**settings)
shown = session.get("users", "mokamiki").resource
check("show", (shown.type, shown.id, shown.name, shown.email), ("users", "mokamiki", "Móka Miklós", "moka.miklos@dbx.hu"))
check("show", (shown.clientName, shown.organizationalUnit, shown.status), ("Default", "zsebtv", "ACTIVE"))
check("show", shown.roles, ["majomidomar", "csokidealer"])

users = []
for at in "abc":
    user = session.create_and_commit("users", name=f"Kígyó {at}", email=f"kigyo-{at}@dbx.hu", roles=["x", at])
    check("create", (user.status, user.name, user.roles), ("UNACTIVATED", f"Kígyó {at}", ["x", at]))
    users.append(user)
ids = sorted(user.id for user in users)
check("ids", len(set(filter(None, ids))), 3)

query = Filter("page[limit]=2&filter[name]=KÍGYÓ&sort=userName")
first = session.get("users", query)
check("list", (first.meta.total, [u.id for u in first.resources]), (3, ids[:2]))
second = first.links.next.fetch()
check("next page", (second.meta.total, [u.id for u in second.resources]), (3, ids[2:]))
check("last page", bool(second.links.next), False)
check("iterate", [u.id for u in session.iterate("users", query)], ids)


async def asynchronously():
    async with Session(enable_async=True, **settings) as session:
        return [user.id async for user in session.iterate("users", query)]


check("iterate, asynchronously", asyncio.run(asynchronously()), ids)

users[0].organizationalUnit = "py"
users[0].roles = ["y"]
users[0].commit()
check("modify", (users[0].organizationalUnit, users[0].roles, users[0].is_dirty), ("py", ["y"], False))
with Session(**settings) as afresh:
    user = afresh.get("users", users[0].id).resource
    check("modify", (user.organizationalUnit, user.roles, user.name), ("py", ["y"], "Kígyó a"))

users[0].organizationalUnit = None
users[0].commit()
with Session(**settings) as afresh:
    user = afresh.get("users", users[0].id).resource
    check("clear", (getattr(user, "organizationalUnit", None), user.roles), (None, ["y"]))

refused("show", lambda: session.get("users", "nobody"), 404, "USER_NOT_FOUND")
refused("create", lambda: session.create_and_commit("users", name="x", email="admin@dbx.hu", roles=[]), 422, "EMAIL_ALREADY_EXISTS")

for user in users:
    user.delete()
    user.commit()
    with Session(**settings) as afresh:
        refused("deleted", lambda: afresh.get("users", user.id), 404, "USER_NOT_FOUND")
with Session(**settings) as afresh:
    left = afresh.get("users", query)
    check("none left", (left.meta.total, left.resources), (0, []))
print("jsonapi-client: ok")
