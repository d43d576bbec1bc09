"""Everything by keys alone: what there is to operate comes up in order, shows its focus, and does what it says."""

from urllib.parse import urlsplit

from surroundings import CLIENT, SERVICES, heading, visit

NAME, ADDRESS, PASSWORD = "Billentyű Béla", "bela@valami.hu", "Csak-Gombokkal-64"
# All that keys operate, as it comes; of a group of choices, the one that is taken.
OPERATED = """() => {
  const kinds = 'a[href], button, input:not([type=hidden]), select, textarea, summary, [tabindex="0"]';
  const all = [...document.querySelectorAll(kinds)];
  window.operated = all.filter(e => e.checkVisibility() && !(e.type === 'radio' && !e.checked));
  document.body.tabIndex = -1;
  document.body.focus();
  document.body.removeAttribute('tabindex');
  return window.operated.map(e => e.outerHTML.slice(0, 120));
}"""
FOCUSED = """() => {
  const e = document.activeElement;
  const style = getComputedStyle(e);
  const box = e.getClientRects()[0] || new DOMRect();
  const shown = [.1, .5, .9].map(part => document.elementFromPoint(box.x + box.width * part, box.y + box.height / 2));
  return {
    at: window.operated.indexOf(e),
    ring: style.outlineStyle !== 'none' && parseFloat(style.outlineWidth) >= 1 || style.boxShadow !== 'none',
    seen: shown.some(there => e.contains(there)),
  };
}"""


def order(page):
    """What is wrong with the order that keys lead through a page in, there and back."""
    names = page.evaluate(OPERATED)
    there = list(range(len(names)))
    for key, expected in [("Tab", there), ("Shift+Tab", there[-2::-1])]:
        for at in expected:
            page.keyboard.press(key)
            focused = page.evaluate(FOCUSED)
            if focused != {"at": at, "ring": True, "seen": True}:
                yield f"{key} to {names[at]}: {focused}"
                return


class Typist:
    """Somebody without a mouse."""

    def __init__(self, page):
        self.page = page

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def reach(self, selector):
        """Goes on until this has the focus."""
        for _ in range(60):
            self.press("Tab")
            if self.page.evaluate("selector => document.activeElement.matches(selector)", selector):
                return
        raise AssertionError(f"{selector} is not reached at {self.page.url}")

    def type(self, *texts):
        """Types into one field after the other."""
        for at, text in enumerate(texts):
            if at:
                self.press("Tab")
            self.page.keyboard.type(text)

    def go(self, key="Enter"):
        """Presses a key, and waits for the page that it leads to."""
        with self.page.expect_navigation() as navigation:
            self.press(key)
        assert navigation.value.status == 200, (self.page.url, navigation.value.status)

    def focus(self):
        return self.page.evaluate("document.activeElement.id")


def switches_language(typist):
    for language, title in [("hu", "Bejelentkezés"), ("en", "Sign in")]:
        typist.reach(f"nav a[lang={language}]")
        typist.go()
        assert heading(typist.page) == title
    typist.press("Tab", "Enter", "Tab")
    assert typist.focus() == "userNameOrEmail", "the link at the top skips to the content"


def registers(gateway, typist):
    typist.reach("a[href*='register.html']")
    typist.go()
    typist.reach("#name")
    typist.type(NAME, ADDRESS, "password")
    with typist.page.expect_navigation() as navigation:
        typist.press("Enter")
    assert navigation.value.status == 422
    typist.reach(".errors a")
    typist.press("Enter")
    assert typist.focus() == "password", "what is wrong leads to where it is"
    typist.type(PASSWORD)
    typist.go()
    assert heading(typist.page) == "Check your mail"
    typist.page.goto(gateway.link(ADDRESS, "activation"))
    typist.reach("main button")
    typist.go("Space")
    assert heading(typist.page) == "Your account is ready"


def signs_in(gateway, portal, typist):
    gateway.join(ADDRESS, PASSWORD, "hammy", "moby")
    typist.page.goto(portal.url)
    typist.page.locator(".loginbar a").wait_for()
    typist.reach(".loginbar a")
    typist.go()
    assert urlsplit(typist.page.url).query == f"client_id={CLIENT}"
    typist.reach("#userNameOrEmail")
    typist.type(ADDRESS, PASSWORD)
    typist.go()
    typist.reach("input[type=radio]")
    typist.press("ArrowDown")
    chosen = typist.page.locator("input[type=radio]:checked + label").inner_text()
    assert chosen == "Moby Organization", chosen
    typist.press("Tab")
    typist.go("Space")
    assert typist.page.url == f"{portal.url}/authorize"


def opens_the_menu(portal, typist):
    link = typist.page.locator(".loginbar a").first
    for key in ("Enter", "Space"):
        typist.reach("summary")
        typist.press(key)
        assert link.is_visible()
        typist.press(key)
        assert not link.is_visible()
        typist.press("Shift+Tab")
    typist.reach("summary")
    typist.press("Enter", "Tab")
    typist.go()
    assert heading(typist.page) == "My account"


def looks_after_the_account(gateway, typist):
    session = next(c["value"] for c in typist.page.context.cookies() if c["name"].endswith("chaingun_session"))
    service, name = SERVICES["en"]
    gateway.assign(session, service, "bela")
    typist.page.reload()
    for deed, key in [("accept", "Enter"), ("withdraw", "Space"), ("leave", "Enter"), ("end-others", "Space")]:
        typist.reach(f"input[name=do][value={deed}] ~ button")
        typist.go(key)
        assert typist.page.get_by_role("status").is_visible()
    assert not typist.page.get_by_text(name).count()


def signs_out(portal, typist):
    typist.page.goto(portal.url)
    typist.page.locator(".loginbar summary").wait_for()
    typist.reach("summary")
    typist.press("Space", "Tab", "Tab")
    typist.go()
    assert heading(typist.page) == "Sign out"
    typist.reach("#everywhere")
    typist.press("Space")
    assert typist.page.locator("#everywhere").is_checked()
    typist.press("Tab")
    typist.go()
    assert heading(typist.page) == "You are signed out"
    typist.reach("main a")
    typist.go()
    assert heading(typist.page) == "Sign in"


def check(gateway, portal, browser):
    portal.embed(gateway, "en")
    with visit(browser) as context:
        typist = Typist(context.new_page())
        typist.page.goto(gateway.page("login.html"))
        switches_language(typist)
        registers(gateway, typist)
        signs_in(gateway, portal, typist)
        opens_the_menu(portal, typist)
        looks_after_the_account(gateway, typist)
        signs_out(portal, typist)
