"""The client that openapi-python-client generates: reads, creates and changes users, signs in, and reads a refusal."""
import sys

from gateway import AuthenticatedClient, Client
from gateway.api.password import authenticate
from gateway.api.users import create_user, delete_user, find_users, modify_user_patch_user_name, show_user
from gateway.models import (
    AuthenticateAttributes,
    AuthenticateDocument,
    AuthenticateResource,
    AuthenticateResourceType,
    CreateUserFields,
    ModifyUserAttributes,
    ModifyUserByNameDocument,
    ModifyUserByNameResource,
    Refusal,
)

base = sys.argv[1]
trusted = AuthenticatedClient(base_url=base, token="demo-hash-key", prefix="", auth_header_name="X-Client-Hash-Key")

page = find_users.sync(client=trusted, user_name="moka", limit=5)
assert page.meta.total == 1 and page.data[0].id == "mokamiki", page
assert page.links.self_.startswith(base), page.links

fields = CreateUserFields(user_name="openapi-python", name="Open Api", email="openapi-python@example.org")
fields.organizational_unit = "docs"
assert create_user.sync(client=trusted, body=fields).data.attributes.status == "UNACTIVATED"
cleared = ModifyUserByNameDocument(
    data=ModifyUserByNameResource(type_="users", attributes=ModifyUserAttributes(organizational_unit=None))
)
changed = modify_user_patch_user_name.sync("openapi-python", client=trusted, body=cleared)
assert not changed.data.attributes.organizational_unit, changed
assert delete_user.sync("openapi-python", client=trusted).data.type_ == "emptyResponse"
refused = show_user.sync("openapi-python", client=trusted)
assert isinstance(refused, Refusal) and refused.errors[0].code == "USER_NOT_FOUND", refused

sign_in = AuthenticateDocument(
    data=AuthenticateResource(
        type_=AuthenticateResourceType.AUTHENTICATEREQUEST,
        id="mokamiki",
        attributes=AuthenticateAttributes(password="MokaMiki-1234"),
    )
)
signed_in = authenticate.sync(client=Client(base_url=base), body=sign_in)
assert signed_in.data.type_ == "user" and signed_in.meta.params[0].key == "P_AUTH_TOKEN", signed_in
print("openapi-python-client: ok")
