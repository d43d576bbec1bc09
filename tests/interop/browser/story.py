"""One life of an account, from registering to deleting it, in a browser with scripts or without."""

import re
from urllib.parse import parse_qs, urlsplit

from surroundings import AGREEMENTS, CLIENT, SERVICES, fill, heading, send, visit

FIRST, SECOND, THIRD = "Első-Jelszó-19", "Masodik-Jelszo-28", "Dritter-Schlüssel-37"
WORDS = {
    "en": {
        "register": "Register", "check_mail": "Check your mail", "confirm": "Confirm", "sign_in": "Sign in",
        "confirm_title": "Confirm your registration", "confirmed": "Your account is ready", "go_on": "Continue",
        "choose": "For which organisation do you want to continue?", "account": "My account", "accept": "Accept",
        "accepted": "You have accepted the agreement.", "withdraw": "Withdraw", "leave": "Leave",
        "withdrawn": "You have withdrawn the agreement.", "left": "You have left the service. We will notify it.",
        "no_services": "You are not assigned to any service.", "change": "Change password", "save": "Save",
        "changed": "Your password is changed.", "sign_out": "Sign out", "signed_out": "You are signed out",
        "forgotten": "Forgotten password", "send": "Send", "new": "New password", "set": "Your new password is set",
        "delete": "Delete my account", "deleted": "Your account is deleted",
    },
    "hu": {
        "register": "Regisztráció", "check_mail": "Nézd meg a leveleidet", "confirm": "Megerősítés",
        "sign_in": "Bejelentkezés", "confirm_title": "Regisztráció megerősítése", "confirmed": "Kész a fiókod",
        "go_on": "Tovább", "choose": "Melyik szervezet nevében folytatod?", "account": "Fiókom", "accept": "Elfogadom",
        "accepted": "Elfogadtad a megállapodást.", "withdraw": "Visszavonom", "leave": "Kilépés",
        "withdrawn": "Visszavontad a megállapodást.", "left": "Kiléptél a szolgáltatásból; értesítjük róla.",
        "no_services": "Egyik szolgáltatás sem ismer.", "change": "Jelszó módosítása", "save": "Mentés",
        "changed": "Megváltozott a jelszavad.", "sign_out": "Kijelentkezés", "signed_out": "Kijelentkeztél",
        "forgotten": "Elfelejtett jelszó", "send": "Küldés", "new": "Új jelszó", "set": "Megvan az új jelszó",
        "delete": "Fiók törlése", "deleted": "Töröltük a fiókodat",
    },
}


class Story:
    """Somebody, with a browser, at a portal."""

    def __init__(self, gateway, portal, browser, language, scripts):
        self.gateway, self.portal, self.browser = gateway, portal, browser
        self.language, self.scripts, self.w = language, scripts, WORDS[language]
        self.address = f"Bors.{'Script' if scripts else 'Plain'}@valami.hu"
        self.page = None

    def visit(self):
        return visit(self.browser, self.language, java_script_enabled=self.scripts)

    def open(self, path):
        return self.page.goto(self.gateway.page(path)).status

    def follow(self, link):
        return send(self.page, self.page.get_by_role("link", name=link, exact=True))

    def is_at(self, title, path):
        assert (heading(self.page), urlsplit(self.page.url).path) == (title, f"/checkSSO/{path}"), self.page.url

    def notice(self):
        return self.page.get_by_role("status").inner_text()

    def is_wrong(self, field):
        """What is wrong is said at the top, and at the field, which it leads to."""
        assert self.page.locator(f"#{field}").get_attribute("aria-invalid") == "true"
        said = self.page.locator(f"#{field}-wrong").inner_text()
        link = self.page.get_by_role("alert").get_by_role("link", name=said, exact=True)
        assert link.get_attribute("href") == f"#{field}"

    def sign_in(self, password):
        return fill(self.page, self.w["sign_in"], userNameOrEmail=self.address, password=password)

    def bar(self):
        """What the portal learns of who is here: by its page's script, or else as a script would be told."""
        if not self.scripts:
            answer = self.page.context.request.get(self.gateway.bar(), headers={"Origin": self.portal.url})
            result = answer.json()["result"]
            return result.get("data", {}).get("signature", {}).get("name")
        self.page.goto(self.portal.url)
        self.page.locator(".loginbar").wait_for()
        name = self.page.locator(".loginbar summary")
        return name.inner_text() if name.count() else None

    def is_signed_out(self):
        assert self.bar() is None
        assert self.open("account.html") == 200
        self.is_at(self.w["sign_in"], "login.html")

    def registers(self):
        self.portal.embed(self.gateway, self.language)
        self.page.goto(self.portal.url)
        self.follow("Come in")
        assert self.page.get_by_text(CLIENT, exact=True).is_visible()
        self.follow(self.w["register"])
        self.is_at(self.w["register"], "register.html")
        weak = fill(self.page, self.w["register"], name="Bors Őrs", email=self.address, password="password")
        assert weak == 422 and self.page.locator("input[name=email]").input_value() == self.address
        self.is_wrong("password")
        assert fill(self.page, self.w["register"], password=FIRST) == 200
        self.is_at(self.w["check_mail"], "register.html")
        self.follow(self.w["sign_in"])
        assert self.sign_in(FIRST) == 403, "not confirmed yet"

    def confirms(self):
        link = self.gateway.link(self.address, "activation")
        for _ in range(2):
            assert self.page.goto(link).status == 200
            self.is_at(self.w["confirm_title"], "confirm.html")
        assert fill(self.page, self.w["confirm"]) == 200
        self.is_at(self.w["confirmed"], "confirm.html")
        self.page.goto(link)
        assert fill(self.page, self.w["confirm"]) == 422, "it was spent"

    def goes_on_to_the_portal(self):
        self.gateway.join(self.address, FIRST, "hammy", "moby")
        self.page.goto(self.portal.url)
        self.follow("Come in")
        assert self.sign_in(FIRST) == 200
        self.is_at(self.w["choose"], "organisation.html")
        offered = self.page.locator(".choice label").all_inner_texts()
        assert offered == ["Hammy Organization", "Moby Organization"], offered
        self.page.get_by_label("Moby Organization").check()
        assert fill(self.page, self.w["go_on"]) == 200
        url = urlsplit(self.page.url)
        assert (f"{url.scheme}://{url.netloc}", url.path) == (self.portal.url, "/authorize"), self.page.url
        assert parse_qs(url.query, strict_parsing=True) == {"state": [self.gateway.STATE]}, self.page.url
        assert self.bar() == self.address
        if self.scripts:
            self.page.locator(".loginbar summary").click()
            links = self.page.locator(".loginbar a").all_inner_texts()
            assert links == [self.w["account"], self.w["sign_out"]], links
            self.follow(self.w["account"])
        else:
            self.open("account.html")
        self.is_at(self.w["account"], "account.html")

    def deals_with_agreements(self):
        def press(word, agreement):
            assert send(self.page, self.page.get_by_role("button", name=f"{self.w[word]} {agreement}")) == 200

        for agreement in AGREEMENTS:
            press("accept", agreement)
            assert self.notice() == self.w["accepted"]
        press("withdraw", AGREEMENTS[0])
        assert self.notice() == self.w["withdrawn"]
        press("accept", AGREEMENTS[0])

    def leaves_a_service(self):
        # A service that fails is told nothing more for a while, so each story has its own.
        known, service, name = f"bors-{self.language}", *SERVICES[self.language]
        cookie = next(c for c in self.page.context.cookies() if c["name"].endswith("chaingun_session"))
        assert cookie["httpOnly"], cookie
        self.gateway.assign(cookie["value"], service, known)
        self.page.reload()
        assert known in self.page.locator("section", has=self.page.locator("#services")).inner_text()
        assert send(self.page, self.page.get_by_role("button", name=f"{self.w['leave']} {name}")) == 200
        assert self.notice() == self.w["left"]
        assert self.page.get_by_text(self.w["no_services"]).is_visible()
        while self.portal.told.get(timeout=20) != f"/users/{known}":
            pass
        rows = [row for row in self.gateway.outbox() if row["kind"] == "callback" and row["service"] == service]
        assert len(rows) == 1 and rows[0]["delivered_at"] is None, rows

    def changes_the_password(self):
        with self.visit() as context:
            here, self.page = self.page, context.new_page()
            self.open("login.html")
            assert self.sign_in(FIRST) == 200
            self.is_at(self.w["choose"], "organisation.html")
            fill(self.page, self.w["go_on"])
            self.is_at(self.w["account"], "account.html")
            there, self.page = self.page, here
            self.follow(self.w["change"])
            assert fill(self.page, self.w["save"], oldPassword="Not-This-One-5", password=SECOND) == 401
            self.is_at(self.w["change"], "password.html")
            self.is_wrong("oldPassword")
            assert fill(self.page, self.w["save"], oldPassword=FIRST, password=SECOND) == 200
            self.is_at(self.w["account"], "account.html")
            assert self.notice() == self.w["changed"]
            self.page = there
            self.is_signed_out()
            self.page = here
        assert self.bar() == self.address

    def signs_out(self):
        self.open("account.html")
        self.follow(self.w["sign_out"])
        assert self.bar() == self.address, "a link alone does not"
        self.open("logout.html")
        assert fill(self.page, self.w["sign_out"]) == 200
        self.is_at(self.w["signed_out"], "logout.html")
        self.is_signed_out()

    def forgets_the_password(self):
        self.follow(self.w["forgotten"])
        assert fill(self.page, self.w["send"], userNameOrEmail=self.address) == 200
        self.is_at(self.w["check_mail"], "forgotten-password.html")
        link = self.gateway.link(self.address, "password-reset")
        for _ in range(2):
            assert self.page.goto(link).status == 200
            self.is_at(self.w["new"], "new-password.html")
        assert fill(self.page, self.w["save"], password="password") == 422
        assert fill(self.page, self.w["save"], password=THIRD) == 200
        self.is_at(self.w["set"], "new-password.html")
        self.follow(self.w["sign_in"])
        assert self.sign_in(SECOND) == 401
        assert self.sign_in(THIRD) == 200
        fill(self.page, self.w["go_on"])
        self.is_at(self.w["account"], "account.html")

    def deletes_the_account(self):
        self.follow(self.w["delete"])
        assert fill(self.page, self.w["delete"], password="Not-This-One-5") == 401
        self.is_wrong("password")
        assert fill(self.page, self.w["delete"], password=THIRD) == 200
        self.is_at(self.w["deleted"], "delete.html")
        self.is_signed_out()
        assert self.sign_in(THIRD) == 401
        assert re.search(r"\S", self.page.get_by_role("alert").inner_text())
        assert self.bar() is None


def check(gateway, portal, browser):
    for language, scripts in [("en", True), ("hu", False)]:
        story = Story(gateway, portal, browser, language, scripts)
        with story.visit() as context:
            story.page = context.new_page()
            story.registers()
            story.confirms()
            story.goes_on_to_the_portal()
            story.deals_with_agreements()
            story.leaves_a_service()
            story.changes_the_password()
            story.signs_out()
            story.forgets_the_password()
            story.deletes_the_account()
