"""The checks of SOAP clients in Python, the same for each client."""
import re

from results import column, equal

META = {"clientHashKey": "demo-hash-key"}


def check(client, call, fault_of):
    """`call(operation, request)` returns the response; `fault_of(error)` returns the code and the text of a fault."""
    name = client.replace(".", "-")
    email = name + "@dbx.hu"
    person = "Pítön Ű"

    def successful(operation, request):
        response = call(operation, {"requestMeta": META, **request})
        equal((response.status.code, list(entries(response.status.messages, "message"))), (0, []))
        return response

    def find_users():
        found = successful("findUsers", {"userName": "MAKI", "limit": 5})
        equal((found.total, [u.userName for u in found.users]), (1, ["hakapeszimaki"]))

    def show_user():
        user = successful("showUser", {"userName": "mokamiki"}).user
        equal(
            [user.clientName, user.email, user.name, user.organizationalUnit, user.status, user.userName],
            ["Default", "moka.miklos@dbx.hu", "Móka Miklós", "zsebtv", "ACTIVE", "mokamiki"],
        )
        assert user.roles, "no roles"

    def create_user():
        user = {"clientName": "Default", "email": email, "name": person, "roles": {"role": ["a", "b"]}, "userName": name}
        made = successful("createUser", {"user": user}).user
        equal((made.name, made.status, made.userName), (person, "UNACTIVATED", name))

    def modify_user():
        user = {"organizationalUnit": "py", "status": "ACTIVE", "userName": name}
        changed = successful("modifyUser", {"user": user}).user
        equal((changed.organizationalUnit, changed.status, changed.name), ("py", "ACTIVE", person))

    def register_user():
        user = {"username": name + "-r", "password": "ValaKi1234", "name": person, "email": "r-" + email}
        successful("registerUser", user)

    def change_password():
        password = "passWORD123"
        successful("changePassword", {"oldPassword": password, "password": password, "userName": "hakapeszimaki"})

    def authenticate():
        signed_in = successful("authenticate", {"userNameOrEmail": "mokamiki", "password": "MokaMiki-1234"})
        equal(signed_in.user.userName, "mokamiki")

    def lists():
        found = successful("findUsers", {"userName": "ki", "statuses": {"status": ["ACTIVE", "INACTIVE"]}}).users
        roles = [(u.userName, list(u.roles)) for u in found]
        equal(roles, [("hakapeszimaki", ["csokifogyaszto"]), ("mokamiki", ["majomidomar", "csokidealer"])])
        changed = successful("modifyUser", {"user": {"roles": {"role": ["c", "d"]}, "userName": name}}).user
        equal(list(changed.roles.role), ["c", "d"])

    def params():
        request = {"password": "passWORD123", "requestMeta": META, "userNameOrEmail": "hakapeszimaki"}
        choice = call("authenticate", request)
        equal((choice.status.code, [p.key for p in choice.params]), (2, ["GRANTED_ORGS"]))
        params = {"param": [{"key": "OTHER", "value": "x"}, {"key": "USER_ORG_UUID", "value": "moby"}]}
        signed_in = call("authenticate", {"params": params, **request})
        equal((signed_in.status.code, [p.key for p in signed_in.params]), (0, ["P_AUTH_TOKEN"]))
        assert re.match("JWT .*", signed_in.params[0].value), signed_in.params[0].value

    def refusal():
        status = call("showUser", {"requestMeta": META, "userName": "nobody"}).status
        (message,) = entries(status.messages, "message")
        equal((status.code, message.severity, message.code), (2, "ERROR", "USER_NOT_FOUND"))
        assert message.description, "no description"

    def fault():
        try:
            call("showUser", {"requestMeta": META, "userName": "a" * 70_000})
        except Exception as error:
            code, text = fault_of(error)
            assert re.search("Client|Sender", code), code
            assert isinstance(text, str) and len(text) > 10, text
        else:
            raise AssertionError("no fault")

    column(client, "findUsers", find_users)
    column(client, "showUser", show_user)
    column(client, "createUser", create_user)
    column(client, "modifyUser", modify_user)
    column(client, "registerUser", register_user)
    column(client, "resetPassword", lambda: successful("resetPassword", {"userNameOrEmail": name}))
    column(client, "changePassword", change_password)
    column(client, "authenticate", authenticate)
    column(client, "lists", lists)
    column(client, "params", params)
    column(client, "refusal", refusal)
    column(client, "fault", fault)


def entries(wrapper, item):
    """The entries of a list in a wrapper, which is None or empty for an empty list."""
    return (getattr(wrapper, item, None) if wrapper else None) or []
