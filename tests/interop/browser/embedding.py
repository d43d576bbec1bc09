"""What a portal's page learns of who is signed in, and that no other site's page learns anything."""

import hashlib
import hmac
import re
import time
from urllib.parse import urlencode

from surroundings import CLIENT, SECRET, fill, visit

NAME, ADDRESS, PASSWORD = "Ludas Matyi", "Ludas.Matyi@valami.hu", "Haromszor-Veri-1"
# As the loginbar's document has it, but for where it is.
ASK = """url => fetch(url, { credentials: 'include' })
  .then(answer => answer.json(), error => error.name)"""
ASK_TYPED = """url => fetch(url, { credentials: 'include', headers: { 'Content-Type': 'application/json' } })
  .then(answer => answer.json(), error => error.name)"""
FIELDS = ["login", "userId", "secondaryId", "external", "channel", "counter", "lastVisitCounter", "lastVisit",
          "galvatar", "avatar", "date", "hash", "secondaryIdHash", "loginHash", "signature"]
TIME = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?Z"


def signed(text):
    return hmac.new(SECRET.encode(), text.encode(), hashlib.sha512).hexdigest()


def a_page_of_the_portal(gateway, portal, browser):
    with visit(browser) as context:
        page = context.new_page()

        def ask(fields, how=ASK, **query):
            return page.evaluate(how, gateway.bar(fields) + ("&" + urlencode(query) if query else ""))

        def at(name):
            return gateway.page(f"{name}.html?client_id={CLIENT}")

        page.goto(portal.url)
        signed_out = {"result": {"config": {"login": at("login")}}}
        for fields in ("signature,userId,login,loginHash", "login", ""):
            for how in (ASK, ASK_TYPED):
                assert ask(fields, how) == signed_out

        page.goto(signed_out["result"]["config"]["login"])
        assert fill(page, "Sign in", userNameOrEmail=ADDRESS, password=PASSWORD) == 200
        assert page.url == f"{portal.url}/authorize", page.url
        answer = ask("signature,userId,login,loginHash")
        data = answer["result"]["data"]
        assert answer["result"]["config"] == {"logout": at("logout")} and answer.keys() == {"result"}, answer
        assert list(data) == ["login", "userId", "userUUID", "loginHash", "signature"], data
        assert data["login"] == ADDRESS and type(data["userId"]) is int, data
        assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", data["userUUID"]), data
        assert data["signature"] == {"number": "1", "name": ADDRESS}, data
        assert re.fullmatch("[0-9a-f]{128}", data["loginHash"]), data
        assert data["loginHash"] == signed(ADDRESS.lower()), data
        assert ask("login")["result"]["data"] == {"login": ADDRESS}
        assert ask("unheardOf")["result"]["data"] == {}
        assert ask("loginHash", ASK_TYPED)["result"]["data"] == {"loginHash": data["loginHash"]}

        before = int(time.time() // 3600)
        everything = ask(",".join(FIELDS))["result"]["data"]
        hours = {before, int(time.time() // 3600)}
        assert everything.keys() == {*FIELDS, "userUUID"}, everything
        assert everything["hash"] in {signed(f"{data['userId']}:{hour}") for hour in hours}, everything
        assert everything["galvatar"] == data["userUUID"].replace("-", ""), everything
        assert all(re.fullmatch(TIME, everything[field]) for field in ("date", "lastVisit")), everything
        assert (everything["counter"], everything["lastVisitCounter"]) == (0, 0), everything
        for field in ("secondaryId", "secondaryIdHash", "external", "channel", "avatar"):
            assert everything[field] is None, everything

        told = page.evaluate("""tag => new Promise(resolve => {
            document.addEventListener('loginbar', event => resolve(event.detail));
            const script = document.createElement('script');
            Object.assign(script, { src: tag.src });
            script.dataset.clientId = tag.client;
            document.body.append(script);
        })""", {"src": gateway.page("loginbar.js"), "client": CLIENT})
        assert told["config"] == {"logout": at("logout")} and told["data"]["login"] == ADDRESS, told
        return context.storage_state()


def a_page_of_another_site(gateway, portal, unlisted, browser, signed_in):
    """Browsers say loudly what they refuse to do there, so nobody listens."""
    context = browser.new_context(storage_state=signed_in)
    page = context.new_page()
    page.goto(portal.url)
    assert page.evaluate(ASK, gateway.page("account.html")) == "TypeError", "only the loginbar may be read"
    page.goto(unlisted.url)
    for how in (ASK, ASK_TYPED):
        assert page.evaluate(how, gateway.bar("login")) == "TypeError"
        assert page.evaluate(how, gateway.page("loginbar.json")) == "TypeError"
    # What browsers let any site ask, they do not let it read.
    assert page.evaluate("url => fetch(url, { credentials: 'include', mode: 'no-cors' }).then(a => a.type + a.status)",
                         gateway.bar("login")) == "opaque0"
    frame = """url => new Promise(resolve => {
        const frame = document.createElement('iframe');
        frame.src = url;
        frame.onload = () => resolve();
        document.body.append(frame);
    })"""
    page.evaluate(frame, gateway.page("login.html"))
    assert [f.url for f in page.frames[1:]] == ["chrome-error://chromewebdata/"], page.frames
    form = """url => {
        const form = document.createElement('form');
        Object.assign(form, { method: 'post', action: url });
        document.body.append(form);
        form.submit();
    }"""
    with page.expect_navigation() as navigation:
        page.evaluate(form, gateway.page("logout.html"))
    assert navigation.value.status == 403
    page.goto(gateway.page("account.html"))
    assert page.url == gateway.page("account.html"), "still signed in"
    context.close()


def check(gateway, portal, unlisted, browser):
    gateway.person(NAME, ADDRESS, PASSWORD)
    portal.embed(gateway, "en")
    signed_in = a_page_of_the_portal(gateway, portal, browser)
    a_page_of_another_site(gateway, portal, unlisted, browser, signed_in)
