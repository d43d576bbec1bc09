//! Mails over SMTP, sent to a small server in the test, and mail files.

use std::io::{BufRead as _, BufReader, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};

use crate::harness::rest::{FLAT, ask, status_and_code};
use crate::harness::{DeliverDue as _, Gateway, outbox_rows};

/// A mail server with this greeting; the channel yields each mail together with the commands before it.
fn server(greeting: &'static str) -> (u16, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let (tell, told) = channel();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            converse(stream.unwrap(), greeting, &tell);
        }
    });
    (port, told)
}

fn converse(mut stream: TcpStream, greeting: &str, tell: &Sender<String>) {
    let lines = BufReader::new(stream.try_clone().unwrap()).lines();
    let mut say = |line: &str| stream.write_all(format!("{line}\r\n").as_bytes()).is_ok();
    let (mut inside, mut heard) = (false, String::new());
    say(greeting);
    for line in lines.map_while(Result::ok) {
        heard.push_str(&line);
        heard.push('\n');
        let answer = match line.as_str() {
            "." if inside => {
                inside = false;
                let _ = tell.send(std::mem::take(&mut heard));
                "250 taken"
            }
            _ if inside => continue,
            "DATA" => {
                inside = true;
                "354 go on"
            }
            "QUIT" => "221 bye",
            line if line.starts_with("EHLO") => "250-mail.test\r\n250-8BITMIME\r\n250 AUTH PLAIN",
            line if line.starts_with("AUTH") => "235 welcome",
            _ => "250 fine",
        };
        if !say(answer) {
            return;
        }
    }
}

fn settings(port: &str) -> [(&'static str, &str); 6] {
    [
        ("mail.transport", "smtp"),
        ("mail.host", "127.0.0.1"),
        ("mail.port", port),
        ("mail.security", "none"),
        ("mail.user", "gateway"),
        ("mail.password", "Kanari-Smtp"),
    ]
}

fn ask_for_reset(gateway: &Gateway) {
    let reset = r#"{"userNameOrEmail":"mokamiki"}"#;
    let reply = ask(gateway, "POST", "/password/reset", FLAT, reset);
    assert_eq!(status_and_code(&reply).0, 200);
}

#[test]
fn delivers_a_reset_mail_over_smtp_with_a_working_token() {
    let (port, heard) = server("220 mail.test");
    let port = port.to_string();
    let gateway = Gateway::with(&settings(&port));
    ask_for_reset(&gateway);
    assert_eq!(gateway.delivery.deliver_due().unwrap(), 1);
    let mail = heard.recv().unwrap();
    for part in [
        "AUTH PLAIN AGdhdGV3YXkAS2FuYXJpLVNtdHA=",
        "MAIL FROM:<noreply@localhost.localdomain>",
        "RCPT TO:<moka.miklos@dbx.hu>",
        "Content-Type: multipart/alternative",
    ] {
        assert!(mail.contains(part), "{part} in {mail}");
    }
    let token = mail.split("Token: ").nth(1).unwrap()[..32].to_owned();
    let change = format!(r#"{{"passwordResetGuid":"{token}","password":"UjJelszo-1234"}}"#);
    let reply = ask(&gateway, "POST", "/password/change", FLAT, &change);
    assert_eq!(status_and_code(&reply).0, 200, "{reply:?}");
}

#[test]
fn retries_a_mail_when_the_server_refuses_or_is_unreachable() {
    let (port, _heard) = server("421 not now, moka.miklos@dbx.hu");
    let port = port.to_string();
    let closed = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port().to_string()
    };
    for (port, reason) in [
        (port, "the mail server answered 421"),
        (closed, "no connection to the mail server: "),
    ] {
        let gateway = Gateway::with(&settings(&port));
        ask_for_reset(&gateway);
        assert_eq!(gateway.delivery.deliver_due().unwrap(), 0);
        let row = gateway.app.store.read(outbox_rows).unwrap().remove(0);
        let error = row.last_error.unwrap();
        assert_eq!((row.state.as_str(), row.attempts), ("pending", 1));
        assert!(error.starts_with(reason), "{error}");
    }
}

#[test]
#[cfg(unix)]
fn writes_mail_files_that_only_their_owner_can_read() {
    use std::os::unix::fs::PermissionsExt as _;
    let gateway = Gateway::demo();
    let folder = gateway.data.path().join("outbox");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::set_permissions(&folder, std::fs::Permissions::from_mode(0o755)).unwrap();
    ask_for_reset(&gateway);
    assert_eq!(gateway.mails().len(), 1);
    let mode = |path: &std::path::Path| path.metadata().unwrap().permissions().mode() & 0o777;
    let file = std::fs::read_dir(&folder).unwrap().next().unwrap().unwrap();
    assert_eq!((mode(&file.path()), mode(&folder)), (0o600, 0o700));
}

/// The head and the parts of a mail, decoded from quoted-printable.
fn decoded(mail: &str) -> String {
    let text = mail.replace("=\r\n", "");
    let mut bytes = Vec::new();
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let code = after.get(..2).and_then(|hex| std::str::from_utf8(hex).ok());
        let byte = code.and_then(|hex| u8::from_str_radix(hex, 16).ok());
        match byte.filter(|_| *first == b'=') {
            Some(byte) => {
                bytes.push(byte);
                rest = &after[2..];
            }
            None => {
                bytes.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8(bytes).unwrap()
}

#[test]
fn leaves_links_and_long_names_out_of_mails_to_unconfirmed_addresses() {
    let gateway = Gateway::demo();
    let register = |user: &str, name: &str, email: &str| {
        let body = serde_json::json!({
            "username": user, "name": name, "email": email, "password": "Valami-Jelszo-9",
        });
        let reply = ask(&gateway, "POST", "/register", FLAT, &body.to_string());
        assert_eq!(status_and_code(&reply).0, 200, "{reply:?}");
        decoded(gateway.mails().last().unwrap())
    };
    let link = "You won! Open https://evil.example/claim";
    let mail = register("https://evil.example/x", link, "one@victim.hu");
    assert!(!mail.contains("evil.example"), "{mail}");
    assert!(!mail.contains("won"), "{mail}");
    assert!(mail.contains("Kedves Felhasználónk!"), "{mail}");
    assert!(mail.contains("Felhasználónév: one@victim.hu"), "{mail}");
    // The same holds for a mail that is requested again.
    let again = r#"{"usernameOrEmail":"one@victim.hu"}"#;
    ask(&gateway, "POST", "/register/resend", FLAT, again);
    let mail = decoded(gateway.mails().last().unwrap());
    assert!(!mail.contains("evil.example"), "{mail}");
    let reset = r#"{"userNameOrEmail":"one@victim.hu"}"#;
    ask(&gateway, "POST", "/password/reset", FLAT, reset);
    let mail = decoded(gateway.mails().last().unwrap());
    assert!(!mail.contains("evil.example"), "{mail}");

    let mail = register("plain_one", "Kovács Béla", "two@victim.hu");
    assert!(mail.contains("Kedves Kovács Béla!"), "{mail}");
    assert!(mail.contains("Felhasználónév: plain_one"), "{mail}");
    let long = "a b ".repeat(30);
    let mail = register("plain_two", long.trim(), "three@victim.hu");
    assert!(
        mail.contains(&format!("Kedves {}!", long[..39].trim())),
        "{mail}"
    );
}
