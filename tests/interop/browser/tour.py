"""Every page in every state that people see it in, one after the other."""

from surroundings import AGREEMENTS, LONG, SERVICES, visit

NAME = "Wolfeschlegelsteinhausenbergerdorff-Bartholomäus"
PASSWORD, OTHER = "Nagyon-Hosszu-Jelszo-46", "Masik-Hosszu-Jelszo-55"


class Tour:
    """Somebody with long names, whose browser is led through all there is."""

    def __init__(self, gateway, portal, browser, page, language):
        self.gateway, self.portal, self.browser, self.page, self.language = gateway, portal, browser, page, language
        self.address = f"{language}.{LONG[:50].lower().replace('ä', 'ae')}@Rindfleischetikettierung.example"

    def open(self, path, status=200):
        assert self.page.goto(self.gateway.page(path)).status == status, path

    def send(self, status=200, **fields):
        """Sends the page's form with this typed into it."""
        for name, value in fields.items():
            self.page.locator(f"input[name={name}]").fill(value)
        self.press(self.page.locator("main form > button"), status)

    def press(self, button, status=200):
        with self.page.expect_navigation() as navigation:
            button.click()
        assert navigation.value.status == status, (self.page.url, navigation.value.status)

    def act(self, does, value):
        form = self.page.locator(f'form:has(input[name=do][value="{does}"])')
        self.press(form.filter(has_text=value).locator("button"))

    def sign_in(self, password):
        self.open("login.html")
        self.send(userNameOrEmail=self.address, password=password)

    def expire(self):
        """What a form looks like to us whose browser has signed in or out since."""
        self.page.locator("input[name=csrf_token]").first.evaluate("csrf_token => { csrf_token.value = '0'; }")

    def partners(self):
        """The pages of a user whom a partner signs in, who has no password."""
        self.page.goto(self.gateway.partner_sign_in(f"one-{self.language}"))
        yield "account-partner"
        self.press(self.page.locator('form:has(input[value="unlink"]) button'), 422)
        yield "unlink-refused"
        answer = self.page.goto(self.gateway.partner_sign_in(f"two-{self.language}"))
        assert answer.status == 200, answer.status
        yield "switch-user"
        self.press(self.page.locator("main form > button"))
        assert self.page.url == self.gateway.page("account.html"), self.page.url
        self.open("logout.html")
        self.send()

    def strangers(self):
        """The pages of whom nobody knows."""
        if self.language == "en":
            self.page.goto(f"{self.gateway.url}/docs")
            yield "docs"
        self.open("nowhere.html", 404)
        yield "not-found"
        self.open("login.html?client_id=nobody", 400)
        yield "unknown-application"
        self.page.goto(self.gateway.login())
        yield "login"
        self.send(401, userNameOrEmail=self.address, password=PASSWORD)
        yield "login-wrong"
        self.expire()
        self.send(403, password=PASSWORD)
        yield "login-expired"
        self.open("register.html")
        yield "register"
        self.send(422, name=NAME, email=self.address, password="password")
        yield "register-wrong"
        self.send(password=PASSWORD)
        yield "registered"
        self.open("resend.html")
        yield "resend"
        self.page.goto(self.gateway.link(self.address, "activation"))
        yield "confirm"
        self.send()
        yield "confirmed"
        self.open("confirm.html?token=" + 32 * "0")
        self.send(422)
        yield "confirm-wrong"

    def forgetful(self):
        self.open("forgotten-password.html")
        yield "forgotten-password"
        self.send(userNameOrEmail=self.address)
        yield "mailed"
        library = {"id": self.address[:2], "provider": LONG, "idType": "Library card"}
        school = {"id": f"three-{self.language}", "provider": "apekx", "idType": "apekx"}
        self.gateway.update(self.address, externalIds=[library, school])
        self.page.goto(self.gateway.link(self.address, "password-reset"))
        yield "new-password"
        link = self.page.url
        self.page.get_by_label("apekx").check()
        self.send(422, password="password")
        yield "new-password-wrong"
        assert self.page.get_by_label("apekx").is_checked()
        self.send(password=OTHER)
        yield "password-set"
        self.page.goto(link)
        self.send(422, password=OTHER)
        yield "new-password-spent"
        self.gateway.update(self.address, email=f"new.{self.address}")
        self.page.goto(self.gateway.link(self.address, "email-changed"))
        yield "undo-email"
        link = self.page.url
        self.send()
        yield "email-restored"
        self.page.goto(link)
        self.send(422)
        yield "undo-email-spent"
        self.page.goto(self.gateway.link(self.address, "password-reset"))
        self.page.get_by_label("apekx").check()
        self.send(password=OTHER)

    def members(self):
        """The pages of who is signed in."""
        self.gateway.join(self.address, OTHER, "moby", "long")
        self.sign_in(OTHER)
        yield "organisation"
        self.page.locator("input:checked").evaluate("choice => { choice.value = 'nowhere'; }")
        self.send(404)
        yield "organisation-wrong"
        self.open("organisation.html")
        self.send()
        yield "account-new"
        with visit(self.browser, self.language) as elsewhere:
            here, self.page = self.page, elsewhere.new_page()
            self.sign_in(OTHER)
            self.page = here
        for agreement in AGREEMENTS[:2]:
            self.act("accept", agreement)
        self.act("withdraw", AGREEMENTS[0])
        session = next(c["value"] for c in self.page.context.cookies() if c["name"].endswith("chaingun_session"))
        for number, (service, _) in enumerate(SERVICES.values()):
            self.gateway.assign(session, service, number * "kurz" or self.address)
        self.page.reload()
        yield "account"
        self.expire()
        self.press(self.page.locator("form.act button").first, 403)
        yield "not-possible"
        self.open("password.html")
        yield "password"
        self.send(401, oldPassword=PASSWORD, password=OTHER)
        yield "password-wrong"
        self.open("logout.html")
        yield "logout"
        self.page.goto(self.portal.url)
        self.page.locator(".loginbar summary").click()
        self.page.locator("#answer:not(:empty)").wait_for()
        yield "portal"

    def leavers(self):
        self.open("logout.html")
        self.send()
        yield "signed-out"
        self.page.goto(self.portal.url)
        self.page.locator(".loginbar a").wait_for()
        self.page.locator("#answer:not(:empty)").wait_for()
        yield "portal-stranger"
        self.sign_in(OTHER)
        self.open("delete.html")
        yield "delete"
        self.send(401, password=PASSWORD)
        yield "delete-wrong"
        self.send(password=OTHER)
        yield "deleted"

    def states(self):
        self.portal.embed(self.gateway, self.language)
        for part in (self.partners, self.strangers, self.forgetful, self.members, self.leavers):
            yield from part()
