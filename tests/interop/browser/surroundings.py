"""What the checks stand on: a gateway with data of its own, portals that embed it, and browsers that are heard."""

import email
import email.policy
import http.client
import json
import os
import queue
import re
import subprocess
import tempfile
import threading
import time
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import urlencode, urlsplit

CLIENT, SECRET = "browser.front", "browser-application-secret"
SERVICES = {"en": (7, "Rinderkennzeichnungsfleischetikettierungsüberwachung"), "hu": (8, "Vonatmenetrend")}
AGREEMENTS = ["Terms of the portal", "Privacy of the portal", "Newsletter of the portal"]
LONG = "Donaudampfschifffahrtselektrizitätenhauptbetriebswerkbauunterbeamtengesellschaft"
EXAMPLE = Path(__file__).parents[3] / "examples" / "loginbar.html"
REGISTRY = """
[[organisations]]
uuid = "long"
name = "{long}"
join = "open"

[[portals]]
id = 7
name = "Browsed"
{agreements}{services}
[[applications]]
client_id = "{client}"
origins = ["{portal}"]
redirect_uris = ["{portal}/authorize"]
secret = "{secret}"
"""


SERVICE = """
[[services]]
id = {id}
portal = 7
name = "{name}"
callback_url = "{portal}/users"
access_key = "browser-access-key"
secret_key = "browser-secret-key"
requires = [11, 12]
"""


class Server(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request, client_address):
        """Browsers hang up as they like."""


class Portal:
    """A portal's web server on a port of its own; its every page is the example that embeds the loginbar."""

    def __init__(self):
        self.page = "<!DOCTYPE html><html lang=en><title>Empty</title>"
        self.told = queue.Queue()
        portal = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                self.answer(204 if self.path == "/favicon.ico" else 200, portal.page.encode())

            def do_DELETE(self):
                portal.told.put(urlsplit(self.path).path)
                # What it is told is not taken, so that it stays to be seen in the outbox.
                self.answer(503, b"")

            def answer(self, status, body):
                self.send_response(status)
                self.send_header("Content-Type", "text/html; charset=utf-8")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *arguments):
                pass

        server = Server(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{server.server_address[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()

    def embed(self, gateway, language):
        """Makes its page the example with this gateway's loginbar, and with a link of its own to sign in."""
        page = EXAMPLE.read_text().replace("http://localhost:8080", gateway.url).replace("blic.rs.front", CLIENT)
        page = page.replace("data-client-id", f'data-language="{language}" data-client-id')
        assert page.count(gateway.url) == 2 and page.count(CLIENT) == 2, page
        self.page = page.replace("</h1>", f'</h1>\n<p><a href="{gateway.login()}">Come in</a></p>')


class Gateway:
    """The real program on demo data, and on what the portals are registered with."""

    STATE = "a&b=c d/é#%41+"

    def __init__(self, program, folder, portal):
        self.program, self.data = program, str(Path(folder, "data"))
        agreements = "".join(f'\n[[agreements]]\nid = {11 + i}\nname = "{a}"\n' for i, a in enumerate(AGREEMENTS))
        services = "".join(SERVICE.format(id=i, name=n, portal=portal.url) for i, n in SERVICES.values())
        registry = Path(folder, "registry.toml")
        registry.write_text(REGISTRY.format(portal=portal.url, client=CLIENT, secret=SECRET, long=LONG,
                                            services=services, agreements=agreements))
        settings = {"LISTEN": "127.0.0.1:0", "DATA_DIR": self.data, "LOG_FORMAT": "json", "PASSWORD_COST": "4",
                    "REGISTRY": str(registry)}
        self.environment = os.environ | {f"GATEWAY_{name}": value for name, value in settings.items()}
        self.process = subprocess.Popen([program, "serve", "--demo"], env=self.environment, text=True,
                                        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
        log, address = [], None
        for line in self.process.stderr:
            log.append(line)
            address = json.loads(line)["fields"].get("address")
            if address:
                break
        assert address, "".join(log)
        threading.Thread(target=lambda: log.extend(self.process.stderr), daemon=True).start()
        self.log, self.address, self.url = log, address, f"http://{address}"

    def page(self, path):
        return f"{self.url}/checkSSO/{path}"

    def login(self):
        """Where the portal sends who wants to come in."""
        query = {"client_id": CLIENT, "redirect_uri": "/authorize", "state": self.STATE}
        return self.page("login.html?" + urlencode(query))

    def bar(self, fields="login,signature"):
        query = {"client_id": CLIENT, "body[params][fields]": fields}
        return self.page("loginbar.json?" + urlencode(query))

    def post(self, path, body, method="POST", **headers):
        """What a portal's server asks for; its answer, and the user's token if there is one."""
        connection = http.client.HTTPConnection(self.address)
        headers = {name.replace("_", "-"): value for name, value in headers.items()}
        connection.request(method, path, json.dumps(body), {"Content-Type": "application/json"} | headers)
        reply = connection.getresponse()
        text = reply.read().decode()
        assert reply.status == 200, (path, reply.status, text)
        connection.close()
        return json.loads(text), (reply.getheader("Authorization") or "").removeprefix("JWT ")

    def person(self, name, address, password):
        """Somebody who has registered and confirmed it."""
        rest = "/hammy/json/user/v1"
        body = {"username": address, "name": name, "email": address, "password": password}
        self.post(f"{rest}/register", body)
        self.post(f"{rest}/register/confirm", {"token": self.link(address, "activation").rpartition("=")[2]})

    def join(self, login, password, *organisations):
        rest = "/hammy/json/user/v1"
        _, token = self.post(f"{rest}/password/authenticate", {"userNameOrEmail": login, "password": password})
        own = {"Authorization": f"JWT {token}", "X_User_Name": login, "X_Client_Hash_Key": "demo-portal-key"}
        for organisation in organisations:
            self.post(f"{rest}/register/addToOrg", {"orgUuid": organisation}, **own)

    def assign(self, token, service, name):
        """The user of this session is known to a service by this name."""
        params = {"client_id": CLIENT, "application_secret": SECRET, "token": token, "portal_id": 7, "service_id": service}
        body = {"jsonrpc": "2.0", "id": 1, "method": "assign_user_to_service",
                "params": params | {"user_id_in_service": name}}
        answer, _ = self.post("/user-multi-services", body, Content_Type="application/json-rpc")
        assert answer["result"] == "OK", answer

    def run(self, *arguments):
        """What the program prints as JSON, a line each."""
        ran = subprocess.run([self.program, *arguments, "--json"], env=self.environment, check=True,
                             capture_output=True, text=True)
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def update(self, login, **changes):
        """A portal changes a user in the directory."""
        changes["userId"] = self.run("user", "show", login)[0]["uuid"]
        key = {"X_Client_Hash_Key": "demo-hash-key"}
        self.post("/user/v1/update", {"request": changes}, method="PATCH", **key)

    def partner_sign_in(self, sub):
        """The address by which the demo's partner signs in this user of its own."""
        key = str(Path(self.data, "demo", "apekx.pem"))
        return self.run("partner", "test-token", "--url", self.url, "--sign-with", key, "--iss", "apekx", "--sub", sub,
                        "--school-id", "pre_created_school_external_id", "--name", LONG)[0]["url"]

    def outbox(self):
        listed = subprocess.run([self.program, "outbox", "list", "--limit", "1000", "--json"], env=self.environment,
                                check=True, capture_output=True, text=True).stdout
        return [json.loads(line) for line in listed.splitlines()]

    def link(self, address, kind, seconds=20):
        """The link in the last mail of this kind to this address, once it has come."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            for file in sorted(Path(self.data, "outbox").glob(f"*-{kind}.eml"), reverse=True):
                mail = email.message_from_bytes(file.read_bytes(), policy=email.policy.default)
                # The domain of a mail is in lower case, whatever the user typed.
                if address.lower() in str(mail["To"]).lower():
                    text = mail.get_body(("plain",)).get_content()
                    link = re.search(rf"{self.url}/checkSSO/\S+\?token=[0-9a-f]{{32}}", text)
                    # One mail is good for one link.
                    file.unlink()
                    return link[0]
            time.sleep(0.02)
        raise AssertionError(f"no mail of {kind} came to {address}")

    def stop(self):
        self.process.terminate()
        assert self.process.wait(40) == 0
        wrong = [line for line in self.log if json.loads(line)["level"] == "ERROR"]
        assert not wrong, wrong


@contextmanager
def surroundings(program):
    """A gateway, a portal that is registered with it, and one that is not."""
    with tempfile.TemporaryDirectory() as folder:
        listed, unlisted = Portal(), Portal()
        gateway = Gateway(program, folder, listed)
        try:
            yield gateway, listed, unlisted
            gateway.stop()
        finally:
            gateway.process.kill()


@contextmanager
def visit(browser, language="en", **options):
    """A browser of somebody's own, whose console has to stay empty."""
    locale = {"en": "en-GB", "hu": "hu-HU"}[language]
    context = browser.new_context(locale=locale, **options)
    context.set_default_timeout(10_000)
    said, refused = [], set()

    def answered(response):
        if response.request.resource_type == "document" and response.status >= 400:
            refused.add(response.url)

    def complained(message):
        # Browsers give hints, too; those have neither type.
        if message.type in ("error", "warning"):
            said.append((message.type, message.text, message.location.get("url")))

    context.on("console", complained)
    context.on("weberror", lambda error: said.append(("error", str(error.error), error.page.url)))
    context.on("response", answered)
    try:
        yield context
        # That a page itself was refused, browsers say, too; whether it was meant to be, its check knows.
        for kind, text, url in said:
            is_refusal = text.startswith("Failed to load resource: the server responded with a status of 4")
            assert is_refusal and url in refused, (kind, text, url)
    finally:
        context.close()


def send(page, button):
    """Presses a button or a link, and waits for the page that answers; its status."""
    with page.expect_navigation() as navigation:
        button.click()
    return navigation.value.status


def fill(page, button, **fields):
    """Fills in the form and sends it; the status of the answer."""
    for name, value in fields.items():
        page.locator(f"input[name={name}]").fill(value)
    return send(page, page.get_by_role("button", name=button, exact=True))


def heading(page):
    return page.locator("h1").inner_text()
