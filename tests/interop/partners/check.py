"""PyJWT as a partner: both layouts of the documents sign a user in, once each; what cryptography makes of keys does too."""
import json
import sys
import time
import urllib.error
import urllib.request
import uuid

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

base, key_file = sys.argv[1:]
with open(key_file, "rb") as file:
    key = serialization.load_pem_private_key(file.read(), password=None)


class NoRedirect(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


opener = urllib.request.build_opener(NoRedirect)


def ask(path, **headers):
    try:
        return opener.open(urllib.request.Request(base + path, headers=headers))
    except urllib.error.HTTPError as answer:
        return answer


def new_layout(**changes):
    now = int(time.time())
    claims = {
        "jti": str(uuid.uuid4()),
        "iss": "apekx",
        "sub": "user_external_id",
        "aud": base,
        "iat": now,
        "exp": now + 3600,
        "name": "Some User",
        "state_id": "apekx",
        "school_id": "pre_created_school_external_id",
        "redirect_uri": base + "/resources",
        "version": "v1",
    }
    return {**claims, **changes}


def old_layout():
    now = int(time.time())
    return {
        "jti": str(uuid.uuid4()),
        "iss": "apekx",
        "sub": "manzarul07+110332",
        "aud": base,
        "iat": now,
        "exp": now + 3600,
        "name": "Harish kumar Gangula",
        "email": "t4harishkumar16@test.com",
        "email_verified": True,
        "phone_number": "8884930864",
        "phone_number_verified": True,
        "redirect_url": base + "/profile",
    }


# The gateway has its account page in the place of the documents' /resources and /profile.
account = "/checkSSO/account.html"


def sign_in(version, claims, to, headers=None):
    token = jwt.encode(claims, key, algorithm="RS256", headers=headers)
    path = f"/{version}/user/session/create?token={token}"
    answer = ask(path)
    assert answer.status == 303 and answer.headers["Location"] == to, (answer.status, answer.read())
    cookie = next(c for c in answer.headers.get_all("Set-Cookie") if "session=" in c).split(";")[0]
    again = ask(path, Accept="application/json")
    assert (again.status, json.load(again)["params"]["err"]) == (401, "TOKEN_REPLAYED")
    same = ask(path, Cookie=cookie)
    assert same.status == 303 and same.headers["Location"] == to, "the same browser is led on"
    page = ask(account, Cookie=cookie).read().decode()
    assert claims["name"] in page, page
    bar = json.load(ask("/checkSSO/loginbar.json?body[params][fields]=userId,signature", Cookie=cookie))
    return bar["result"]["data"]["userId"], bar["result"]["data"]["signature"]["name"]


first = sign_in("v2", new_layout(), account)
second = sign_in("v2", new_layout(), account, headers={"kid": "apekx"})
assert first == second and first[1] == "Some User", (first, second)
# A time with a fraction, as Python's clock has it, is one too (RFC 7519 §2).
third = sign_in("v2", new_layout(iat=time.time() - 1, exp=time.time() + 60), account)
assert third == first
old = sign_in("v1", old_layout(), account)
assert old[0] != first[0] and old == sign_in("v1", old_layout(), account)


def refused(token, code):
    answer = ask(f"/v2/user/session/create?token={token}", Accept="application/json")
    assert json.load(answer)["params"]["err"] == code, code
    page = ask(f"/v2/user/session/create?token={token}")
    assert page.status == answer.status and f"<code>{code}</code>" in page.read().decode(), code


stranger = rsa.generate_private_key(public_exponent=65537, key_size=2048)
refused(jwt.encode(new_layout(), stranger, algorithm="RS256"), "INVALID_SIGNATURE")
refused(jwt.encode(new_layout(), "a secret of thirty-two characters", algorithm="HS256"), "ALGORITHM_NOT_ALLOWED")
refused(jwt.encode(new_layout(), None, algorithm="none"), "ALGORITHM_NOT_ALLOWED")
refused(jwt.encode(new_layout(), key, algorithm="PS256"), "ALGORITHM_NOT_ALLOWED")
embedded = {"jwk": json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(stranger.public_key()))}
refused(jwt.encode(new_layout(), stranger, algorithm="RS256", headers=embedded), "HEADER_NOT_ALLOWED")
refused(jwt.encode(new_layout(exp=int(time.time()) - 60, iat=1), key, algorithm="RS256"), "TOKEN_EXPIRED")
print("PyJWT: ok")
