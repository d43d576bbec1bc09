"""zeep, from ?wsdl alone: every operation the issue names, each field, a refusal and a fault."""
import sys

import zeep
from lxml import etree

url = sys.argv[1]


def check(what, found, wanted):
    assert found == wanted, f"{what}: {found!r}, not {wanted!r}"


for port in ("ChaingunUserAPIPort", "ChaingunUserAPISoap12Port"):
    client = zeep.Client(url + "?wsdl")
    service = client.bind("ChaingunUserAPIService", port)
    meta = {"clientHashKey": "demo-hash-key"}

    shown = service.showUser(request={"requestMeta": meta, "userName": "mokamiki"})
    check("status", shown.status.code, 0)
    user = shown.user
    check(
        "showUser",
        [user.clientName, user.email, user.name, user.organizationalUnit, user.roles, user.status, user.userName],
        ["Default", "moka.miklos@dbx.hu", "Móka Miklós", "zsebtv", ["majomidomar", "csokidealer"], "ACTIVE", "mokamiki"],
    )

    found = service.findUsers(request={"requestMeta": meta, "userName": "MAKI", "statuses": {"status": ["ACTIVE"]}})
    check("findUsers", (found.total, [u.userName for u in found.users]), (1, ["hakapeszimaki"]))
    check("its roles", found.users[0].roles, ["csokifogyaszto"])

    name = "zeep-" + port.lower()
    made = service.createUser(
        request={
            "requestMeta": meta,
            "user": {
                "clientName": "Default", "email": name + "@dbx.hu", "name": "Zeep Ű", "organizationalUnit": "py",
                "passwordResetGuidChannel": "RESPONSE", "roles": {"role": ["a", "b"]}, "userName": name,
            },
        }
    )
    check("createUser", (made.status.code, made.user.status, made.params[0].key), (0, "UNACTIVATED", "PASSWORD_RESET_GUID"))

    changed = service.modifyUser(request={"requestMeta": meta, "user": {"userName": name, "status": "ACTIVE", "roles": {"role": ["c", "d"]}}})
    check("modifyUser", (changed.user.status, changed.user.roles.role, changed.user.name), ("ACTIVE", ["c", "d"], "Zeep Ű"))

    signed_in = service.authenticate(request={"userNameOrEmail": "mokamiki", "password": "MokaMiki-1234"})
    check("authenticate", (signed_in.user.roles, signed_in.params[0].key), (["majomidomar", "csokidealer"], "P_AUTH_TOKEN"))
    choose = service.authenticate(request={"userNameOrEmail": "hakapeszimaki", "password": "passWORD123"})
    check("refusal", (choose.status.code, choose.status.messages.message[0].code, choose.params[0].key),
          (2, "UNSPECIFIED_ORGANIZATION_FOR_USER", "GRANTED_ORGS"))
    refused = service.createUser(request={"requestMeta": meta, "user": {"userName": name, "name": "x", "email": "x@dbx.hu"}})
    check("refusal", refused.status.messages.message[0].code, "USER_ALREADY_EXISTS")

    transport = client.transport
    broken = '<e:Envelope xmlns:e="http://schemas.xmlsoap.org/soap/envelope/"><e:Body><nothing/></e:Body></e:Envelope>'
    reply = transport.post(url, broken, {"Content-Type": "text/xml"})
    check("fault", reply.status_code, 500)
    try:
        client.service._binding.process_reply(client, client.service._binding.get("showUser"), reply)
        raise AssertionError("no fault")
    except zeep.exceptions.Fault as fault:
        check("fault", etree.QName(fault.detail[0]).localname, "fault")
        check("fault", fault.detail[0].findtext("code"), "NO_SUCH_OPERATION")
print("zeep: ok")
