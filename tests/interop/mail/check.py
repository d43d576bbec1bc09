"""A mail server of another make: mails reach it over TLS with a login, and nobody waits for it when it is slow or gone.

Usage: check.py GATEWAY, the gateway's program. Needs aiosmtpd and openssl.
"""

import asyncio
import email
import email.policy
import http.client
import json
import logging
import os
import queue
import re
import ssl
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from contextlib import contextmanager, suppress
from pathlib import Path

from aiosmtpd.smtp import SMTP, AuthResult, LoginPassword

# What goes wrong on purpose, the server complains about.
logging.getLogger("mail.log").setLevel(logging.CRITICAL)
logging.getLogger("asyncio").setLevel(logging.CRITICAL)
PROGRAM = sys.argv[1]
USER, PASSWORD = "gateway", "Kanari-Smtp-1"
TRIES = 40


class Server:
    """A mail server on a port of its own, which can go and come back there."""

    def __init__(self, context=None, wrapped=False, silent=False, password=PASSWORD, without=()):
        self.context, self.wrapped, self.silent = context, wrapped, silent
        self.password, self.without = password, without
        self.mails, self.said, self.connections, self.port = queue.Queue(), [], 0, 0
        self.loop = asyncio.new_event_loop()
        threading.Thread(target=self.loop.run_forever, daemon=True).start()
        self.listener = None
        self.start()

    def start(self):
        self.listener = asyncio.run_coroutine_threadsafe(self._listen(), self.loop).result()

    async def _listen(self):
        wrapping = self.context if self.wrapped else None
        listener = await self.loop.create_server(self._talk, "127.0.0.1", self.port, ssl=wrapping)
        self.port = listener.sockets[0].getsockname()[1]
        return listener

    def _talk(self):
        self.connections += 1
        if self.silent:
            return asyncio.Protocol()
        server = self

        class Talk(SMTP):
            async def smtp_AUTH(self, arg):
                server.said.append("AUTH")
                return await super().smtp_AUTH(arg)

            async def smtp_MAIL(self, arg):
                server.said.append("MAIL")
                return await super().smtp_MAIL(arg)

        return Talk(
            self,
            loop=self.loop,
            tls_context=None if self.wrapped else self.context,
            require_starttls=bool(self.context) and not self.wrapped,
            auth_required=True,
            auth_require_tls=bool(self.context) and not self.wrapped,
            auth_exclude_mechanism=list(self.without),
            authenticator=self.check,
        )

    def check(self, server, session, envelope, mechanism, login):
        right = isinstance(login, LoginPassword) and login.login == USER.encode()
        right = right and login.password == self.password.encode()
        self.said.append(mechanism)
        return AuthResult(success=right, handled=False)

    async def handle_DATA(self, server, session, envelope):
        encrypted = self.wrapped or session.ssl is not None
        self.mails.put((encrypted, session.authenticated, envelope))
        return "250 taken"

    def stop(self):
        self.loop.call_soon_threadsafe(self.listener.close)

    def next(self, topic=None, seconds=30):
        """The next mail, as text, with this in its subject."""
        deadline = time.monotonic() + seconds
        while True:
            left = deadline - time.monotonic()
            assert left > 0, f"no mail came: {topic}"
            with suppress(queue.Empty):
                encrypted, authenticated, envelope = self.mails.get(timeout=left)
                assert authenticated, "a mail without a login"
                assert encrypted, "a mail in clear"
                mail = email.message_from_bytes(envelope.content, policy=email.policy.default)
                if topic is None or topic in mail["Subject"]:
                    return envelope, mail


def certificates(folder):
    """An authority, and a certificate of it for localhost."""

    def openssl(*arguments):
        subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)

    key = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes"]
    openssl("req", "-x509", *key, "-keyout", "ca.key", "-out", "ca.pem", "-days", "2", "-subj", "/CN=Test CA")
    openssl("req", *key, "-keyout", "server.key", "-out", "server.csr", "-subj", "/CN=localhost")
    Path(folder, "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\nbasicConstraints=CA:FALSE\n")
    openssl("x509", "-req", "-in", "server.csr", "-CA", "ca.pem", "-CAkey", "ca.key", "-CAcreateserial",
            "-out", "server.pem", "-days", "2", "-extfile", "names")
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(Path(folder, "server.pem"), Path(folder, "server.key"))
    return context, str(Path(folder, "ca.pem"))


class Gateway:
    """The real program on demo data, with this mail server."""

    def __init__(self, server, ca, security="starttls", host="localhost"):
        self.folder = tempfile.TemporaryDirectory()
        self.data = str(Path(self.folder.name, "data"))
        settings = {
            "LISTEN": "127.0.0.1:0", "DATA_DIR": self.data, "LOG_FORMAT": "json", "PASSWORD_COST": "4",
            "MAIL_TRANSPORT": "smtp", "MAIL_HOST": host, "MAIL_PORT": str(server.port), "MAIL_SECURITY": security,
            "THROTTLE_MAILS": "1000", "MAIL_USER": USER, "MAIL_PASSWORD": PASSWORD, "MAIL_CA_FILE": ca,
        }
        self.environment = os.environ | {f"GATEWAY_{name}": value for name, value in settings.items()}
        self.process = subprocess.Popen(
            [PROGRAM, "serve", "--demo"], env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        self.log = []
        for line in self.process.stderr:
            self.log.append(line)
            address = json.loads(line)["fields"].get("address")
            if address:
                break
        threading.Thread(target=lambda: self.log.extend(self.process.stderr), daemon=True).start()
        self.connection = http.client.HTTPConnection(address)

    def post(self, path, body):
        self.connection.request("POST", f"/hammy/json/user/v1/{path}", json.dumps(body), {"Content-Type": "application/json"})
        reply = self.connection.getresponse()
        text = reply.read().decode()
        return reply.status, text

    def done(self, path, body):
        status, text = self.post(path, body)
        assert status == 200, (path, status, text)

    def reset(self):
        self.done("password/reset", {"userNameOrEmail": "mokamiki"})

    def register(self, number):
        name = f"ubul{number}"
        body = {"username": name, "name": "Ubul", "email": f"{name}@valami.hu", "password": "ValaKi1234"}
        self.done("register", body | {"organizationUuid": "hammy"})

    def outbox(self, seconds=30):
        """What `outbox list` prints once a delivery has failed."""
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            listed = subprocess.run(
                [PROGRAM, "outbox", "list", "--limit", "1000", "--json"], env=self.environment, check=True, capture_output=True, text=True
            ).stdout
            reasons = [json.loads(line)["last_error"] for line in listed.splitlines()]
            if any(reasons):
                for secret in (PASSWORD, "@", "moka", "Token", "token="):
                    assert secret not in listed, (secret, listed)
                return next(filter(None, reasons))
            time.sleep(0.1)
        raise AssertionError("no delivery failed")

    def stop(self):
        self.process.terminate()
        assert self.process.wait(40) == 0
        log = "".join(self.log)
        for secret in (PASSWORD, "moka.miklos@dbx.hu"):
            assert secret not in log, secret


@contextmanager
def gateway(*arguments, **settings):
    running = Gateway(*arguments, **settings)
    try:
        yield running
        running.stop()
    finally:
        running.process.kill()


def token(mail, page):
    """The token in the link of a mail; text and HTML have the same."""
    found = set()
    for kind in ("plain", "html"):
        text = mail.get_body((kind,)).get_content()
        text = text.replace("&#x2f;", "/")
        found.add(re.search(rf"http://127\.0\.0\.1:\d+/checkSSO/{page}\?token=([0-9a-f]{{32}})", text)[1])
    assert len(found) == 1, found
    return found.pop()


def a_whole_life(context, ca):
    server = Server(context)
    with gateway(server, ca) as running:
        name = "Árvíztűrő Ubul"
        person = {"username": "ubul", "name": name, "email": "ubul@valami.hu", "password": "ValaKi1234"}
        running.done("register", person | {"organizationUuid": "hammy"})
        envelope, mail = server.next("Regisztráció")
        assert envelope.rcpt_tos == ["ubul@valami.hu"], envelope.rcpt_tos
        assert mail["To"].addresses[0].display_name == name, mail["To"]
        assert name in mail.get_body(("html",)).get_content()
        running.done("register/confirm", {"token": token(mail, "confirm.html")})
        running.done("password/authenticate", {"userNameOrEmail": "ubul", "password": "ValaKi1234"})
        running.done("password/reset", {"userNameOrEmail": "ubul@valami.hu"})
        _, mail = server.next("jelszó beállítása")
        change = {"passwordResetGuid": token(mail, "new-password.html"), "password": "UjJelszo-1234"}
        running.done("password/change", change)
        _, mail = server.next("Megváltozott a jelszavad")
        assert "oken" not in mail.get_body(("plain",)).get_content()
        running.done("password/authenticate", {"userNameOrEmail": "ubul", "password": "UjJelszo-1234"})
    assert "PLAIN" in server.said, server.said


def other_ways_in(context, ca):
    for server, security in [
        (Server(context, wrapped=True), "tls"),
        (Server(context, wrapped=True, without=["PLAIN"]), "tls"),
        (Server(context, without=["PLAIN"]), "starttls"),
    ]:
        with gateway(server, ca, security=security) as running:
            for _ in range(10):
                running.reset()
            for _ in range(10):
                server.next("jelszó beállítása")
        assert server.connections < 10, "the mails of a turn share a connection"


def what_is_wrong_is_told(context, ca):
    own = {"security": "starttls"}
    for server, authority, settings, said, told in [
        (Server(context, password="other"), ca, own, True, "the sign-in to the mail server failed: the mail server answered 535"),
        (Server(None), ca, own, False, "the mail server does not support STARTTLS, so no mail is sent"),
        (Server(context), "", own, False, "no trusted TLS connection to the mail server: "),
        (Server(context, wrapped=True), "", {"security": "tls"}, False, "no trusted TLS connection to the mail server: "),
    ]:
        with gateway(server, authority, **settings) as running:
            running.reset()
            reason = running.outbox()
            assert reason.startswith(told), (reason, told)
        assert server.mails.empty() and "MAIL" not in server.said
        assert said or not server.said, server.said


def median(ask):
    """Milliseconds that an answer takes, at the median."""
    times = []
    for _ in range(TRIES):
        begun = time.perf_counter()
        ask()
        times.append((time.perf_counter() - begun) * 1000)
    return statistics.median(times)


def nobody_waits_for_it(context, ca):
    numbers = iter(range(10_000))
    took = {}
    for state in ("good", "gone", "silent"):
        server = Server(context, silent=state == "silent")
        if state == "gone":
            server.stop()
        with gateway(server, ca) as running:
            took[state] = [median(running.reset), median(lambda: running.register(next(numbers)))]
            if state == "gone":
                reason = running.outbox()
                assert reason.startswith("no connection to the mail server: "), reason
                server.start()
                server.next("jelszó beállítása", 60)
            if state == "silent":
                reason = running.outbox()
                assert reason == "the mail server did not answer in time", reason
                server.silent = False
                server.next("jelszó beállítása", 60)
    print("mail: ms until reset and register were answered, at the median:",
          {state: [round(ms, 2) for ms in both] for state, both in took.items()})
    for state in ("gone", "silent"):
        for there, without in zip(took["good"], took[state]):
            assert without < 2 * there + 5, took


with tempfile.TemporaryDirectory() as folder:
    made = certificates(folder)
    a_whole_life(*made)
    other_ways_in(*made)
    what_is_wrong_is_told(*made)
    nobody_waits_for_it(*made)
print("mail: fine")
