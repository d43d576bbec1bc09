"""What every page is for everybody: nothing that axe finds, no wider than the window, reached by keys in order."""

from pathlib import Path

import keyboard
from surroundings import visit
from tour import Tour

TAGS = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"]
# What axe cannot decide by itself counts as well, but for tables that are scrolled, of which it decides nothing.
RUN = """
axe.run(document, { runOnly: { type: 'tag', values: %s }, rules: { 'target-size': { enabled: true } } }).then(found =>
  ['violations', 'incomplete'].flatMap(kind => found[kind].flatMap(rule =>
    rule.nodes.filter(node => kind === 'violations' || !document.querySelector(node.target[0]).closest('.scroll'))
      .map(node => `${kind}: ${rule.id}: ${node.html}: ${node.failureSummary}`))))
""" % TAGS
WIDTHS, SCHEMES = (320, 390, 1280), ("light", "dark")
LOOK = """() => ({
  width: innerWidth,
  scroll: Math.max(document.documentElement.scrollWidth, document.body.scrollWidth),
  lang: document.documentElement.lang,
  title: document.title,
  headings: [...document.querySelectorAll('h1')].map(h => h.innerText),
  empty: [...document.querySelectorAll('main :is(h1, h2, p, li, dd, dt, label, button, a)')]
    .filter(e => !e.innerText.trim()).map(e => e.outerHTML),
  dead: [...document.querySelectorAll('a[href^="#"]')]
    .filter(a => !document.getElementById(decodeURIComponent(a.hash.slice(1)))).map(a => a.outerHTML),
})"""
# As wide as people who read with difficulty may set it.
SPACED = """() => {
  const sheet = new CSSStyleSheet();
  sheet.replaceSync(
    '* { line-height: 1.5 !important; letter-spacing: .12em !important; word-spacing: .16em !important }');
  document.adoptedStyleSheets = [sheet];
  const width = document.documentElement.scrollWidth;
  document.adoptedStyleSheets = [];
  return width;
}"""


class Inspection:
    """Looks at one page after the other, and notes what is wrong with which."""

    def __init__(self, page, axe, screenshots):
        self.page, self.axe, self.screenshots = page, axe, screenshots
        self.protocol = page.context.new_cdp_session(page)
        self.wrong = []

    def evaluate(self, script):
        """Pages let no script in but by this way."""
        how = {"expression": script, "awaitPromise": True, "returnByValue": True}
        answer = self.protocol.send("Runtime.evaluate", how)
        assert "exceptionDetails" not in answer, answer
        return answer["result"].get("value")

    def looks(self, name, language):
        for width in WIDTHS:
            self.page.set_viewport_size({"width": width, "height": 800})
            spaced = self.page.evaluate(SPACED)
            if spaced > width > min(WIDTHS):
                self.wrong.append((name, f"is {spaced} wide in a window of {width} when its letters are spaced"))
            seen = self.page.evaluate(LOOK)
            if seen["scroll"] > width or seen["width"] != width:
                self.wrong.append((name, f"is {seen['scroll']} wide in a window of {width}"))
        own = "en" if name.startswith(("portal", "docs")) else language
        for what, holds in [
            ("the language", seen["lang"] == own),
            ("the title", len(seen["headings"]) == 1 and seen["headings"][0] in seen["title"]),
            ("what holds nothing", not seen["empty"]),
            ("links to nothing", not seen["dead"]),
        ]:
            if not holds:
                self.wrong.append((name, what, seen))

    def axes(self, name):
        self.evaluate(self.axe)
        for scheme, width in [("light", 1280), ("dark", 390)]:
            self.page.emulate_media(color_scheme=scheme)
            self.page.set_viewport_size({"width": width, "height": 800})
            self.wrong += [(name, scheme, found) for found in self.evaluate(RUN)]

    def pictures(self, name):
        for scheme in SCHEMES:
            self.page.emulate_media(color_scheme=scheme)
            for width in WIDTHS[1:]:
                self.page.set_viewport_size({"width": width, "height": 800})
                self.page.screenshot(path=Path(self.screenshots, f"{name}-{scheme}-{width}.png"), full_page=True)

    def inspect(self, name, language):
        self.looks(name, language)
        if self.screenshots:
            self.pictures(f"{name}-{language}")
        self.axes(name)
        self.wrong += [(name, found) for found in keyboard.order(self.page)]


def check(gateway, portal, browser, axe, screenshots):
    wrong = []
    for language in ("en", "hu"):
        with visit(browser, language) as context:
            page = context.new_page()
            inspection = Inspection(page, Path(axe).read_text(), screenshots)
            names = []
            for name in Tour(gateway, portal, browser, page, language).states():
                inspection.inspect(name, language)
                names.append(name)
            wrong += [f"{language}: {what}" for what in inspection.wrong]
            assert len(names) == len(set(names)) >= 30, names
    assert not wrong, "\n".join(wrong)
