//! The SMTP client: one connection for the mails of a turn.

use std::error::Error as _;
use std::fmt;
use std::io;
use std::time::Duration;

use lettre::Message;
use lettre::transport::smtp::Error;
use lettre::transport::smtp::authentication::{Credentials, Mechanism};
use lettre::transport::smtp::client::{
    Certificate, CertificateStore, SmtpConnection, TlsParameters,
};
use lettre::transport::smtp::extension::ClientId;

/// A mail server.
#[derive(Debug, Clone)]
pub struct Smtp {
    pub host: String,
    pub port: u16,
    pub security: Security,
    pub login: Option<Login>,
    /// The authorities that may issue the server's certificate; `None` for the authorities of the system.
    pub authorities: Option<Authorities>,
}

/// The credentials for the mail server.
#[derive(Clone)]
pub struct Login {
    pub user: String,
    pub password: String,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Login(…)")
    }
}

/// The encryption of the connection to a mail server.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Security {
    /// STARTTLS. If the server does not support STARTTLS, no mail is sent.
    StartTls,
    /// TLS from the first byte.
    Tls,
    /// No encryption.
    None,
}

/// Certificates of authorities.
#[derive(Clone)]
pub struct Authorities(Certificate);

impl fmt::Debug for Authorities {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Authorities(…)")
    }
}

impl Authorities {
    /// Reads one or several certificates in PEM.
    ///
    /// # Errors
    /// A message for the operator.
    pub fn from_pem(pem: &[u8]) -> Result<Self, String> {
        let begins = b"-----BEGIN CERTIFICATE-----";
        if !pem.windows(begins.len()).any(|w| w == begins) {
            return Err("holds no certificate in PEM".to_owned());
        }
        let certificate = Certificate::from_pem(pem).map_err(|e| e.to_string())?;
        let authorities = Self(certificate);
        parameters("localhost", Some(&authorities))?;
        Ok(authorities)
    }
}

/// The time limit of each answer of the mail server.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(10);

/// A mail server and the open connection to it.
pub(super) struct SmtpSession<'a> {
    server: &'a Smtp,
    connection: Option<SmtpConnection>,
}

impl<'a> SmtpSession<'a> {
    pub(super) fn to(server: &'a Smtp) -> Self {
        Self {
            server,
            connection: None,
        }
    }

    /// Sends a mail.
    pub(super) fn send(&mut self, message: &Message) -> Result<(), String> {
        let (envelope, bytes) = (message.envelope(), message.formatted());
        // Some servers limit the mails of one connection, so a failure is retried once over a new connection.
        if let Some(mut open) = self.connection.take() {
            match open.send(envelope, &bytes) {
                Ok(_) => {
                    self.connection = Some(open);
                    return Ok(());
                }
                Err(error) if may_succeed_on_new_connection(&error) => {}
                Err(error) => return Err(reason(&error)),
            }
        }
        let mut fresh = self.connect()?;
        fresh.send(envelope, &bytes).map_err(|e| reason(&e))?;
        self.connection = Some(fresh);
        Ok(())
    }

    fn connect(&self) -> Result<SmtpConnection, String> {
        let server = self.server;
        let tls = match server.security {
            Security::None => None,
            Security::StartTls | Security::Tls => {
                Some(parameters(&server.host, server.authorities.as_ref())?)
            }
        };
        let us = ClientId::default();
        let from_the_start = tls.as_ref().filter(|_| server.security == Security::Tls);
        let mut connection = SmtpConnection::connect(
            (server.host.as_str(), server.port),
            Some(ANSWER_TIMEOUT),
            &us,
            from_the_start,
            None,
        )
        .map_err(|e| reason(&e))?;
        if let (Security::StartTls, Some(tls)) = (server.security, &tls) {
            if !connection.can_starttls() {
                connection.abort();
                return Err("the mail server does not support STARTTLS, so no mail is sent".into());
            }
            connection.starttls(tls, &us).map_err(|e| reason(&e))?;
        }
        if let Some(login) = &server.login {
            let credentials = Credentials::new(login.user.clone(), login.password.clone());
            let known = [Mechanism::Plain, Mechanism::Login];
            if let Err(error) = connection.auth(&known, &credentials) {
                connection.abort();
                return Err(format!(
                    "the sign-in to the mail server failed: {}",
                    reason(&error)
                ));
            }
        }
        Ok(connection)
    }
}

impl Drop for SmtpSession<'_> {
    fn drop(&mut self) {
        if let Some(mut open) = self.connection.take() {
            // A missing answer to QUIT does no harm, so the time limit is short.
            let _ = open.set_timeout(Some(Duration::from_secs(1)));
            let _ = open.quit();
        }
    }
}

fn parameters(host: &str, authorities: Option<&Authorities>) -> Result<TlsParameters, String> {
    let mut builder = TlsParameters::builder(host.to_owned());
    if let Some(Authorities(certificate)) = authorities {
        // Configured authorities replace those of the system, so that only they can certify the server.
        builder = builder
            .certificate_store(CertificateStore::None)
            .add_root_certificate(certificate.clone());
    }
    builder.build().map_err(|e| reason(&e))
}

/// Whether a new connection could succeed.
fn may_succeed_on_new_connection(error: &Error) -> bool {
    // With code 421 the server closes the connection (RFC 5321 §3.8).
    let may_be_closed = error.status().is_none_or(|code| u16::from(code) == 421);
    may_be_closed && !is_timeout(error)
}

/// The error of the operating system, if it caused the failure.
fn system_kind(error: &Error) -> Option<io::ErrorKind> {
    let cause = error.source()?.downcast_ref::<io::Error>()?;
    Some(cause.kind())
}

/// Whether the server did not answer in time. Unix reports a timed-out read as WouldBlock.
fn is_timeout(error: &Error) -> bool {
    let waited = [io::ErrorKind::TimedOut, io::ErrorKind::WouldBlock];
    system_kind(error).is_some_and(|kind| waited.contains(&kind))
}

/// The cause of the failure, for the operator. It contains the server's code and not its text, which may contain the
/// recipient.
fn reason(error: &Error) -> String {
    if let Some(code) = error.status() {
        return format!("the mail server answered {code}");
    }
    if is_timeout(error) {
        return "the mail server did not answer in time".to_owned();
    }
    let cause = error.source().map(ToString::to_string);
    let cause = cause.unwrap_or_else(|| "unexpected answer".to_owned());
    let broken = system_kind(error) == Some(io::ErrorKind::InvalidData);
    if error.is_tls() || broken {
        format!("no trusted TLS connection to the mail server: {cause}")
    } else if error.is_client() || error.is_response() {
        format!("the mail server does not speak SMTP as expected: {cause}")
    } else {
        format!("no connection to the mail server: {cause}")
    }
}
