//! A real gateway with its own port and database, and with a clock that the test sets.

pub mod browser;
pub mod process;
pub mod receiver;
pub mod rest;
pub mod sql;

use std::io::{Read as _, Write as _};
use std::net::{SocketAddr, TcpStream};
use std::ops::Deref;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering};
use std::time::Duration;

use chaingun_gateway::app_context::AppContext;
use chaingun_gateway::background::Background;
use chaingun_gateway::clock::Clock;
use chaingun_gateway::config::{Config, Values};
use chaingun_gateway::delivery::Delivery;
use chaingun_gateway::entropy::Entropy;
use chaingun_gateway::server::Server;
use chaingun_gateway::store::{AnyConnection, Opening, StoreError, audit, outbox};
use chaingun_gateway::{app, demo};
use tempfile::TempDir;

/// The time of the tests, in milliseconds: the time at which the sample token was issued.
pub const NOW: i64 = 1_601_973_889_000;

/// The private key of the demo's partner, the same in all tests.
pub const PARTNER_KEY: &str = include_str!("apekx.pem");

pub struct Gateway {
    pub app: Arc<AppContext>,
    pub delivery: Delivery,
    pub background: Background,
    node: Node,
    config: Config,
    pub data: TempDir,
    /// The last field, because fields are dropped in order: the gateway must stop before its database is removed.
    pub database: Database,
}

/// A reply as received.
#[derive(Debug, Clone)]
pub struct Reply {
    pub status: u16,
    pub head: String,
    pub body: String,
}

impl Reply {
    pub fn header(&self, name: &str) -> Option<&str> {
        self.head.lines().find_map(|line| {
            let (found, value) = line.split_once(':')?;
            (found == name).then(|| value.trim())
        })
    }
}

/// Delivers all due rows, like the threads of a running server.
pub trait DeliverDue {
    /// Returns the number of delivered rows. The calling thread sends the mails, and three other threads send the
    /// callbacks.
    fn deliver_due(&self) -> Result<usize, StoreError>;
}

impl DeliverDue for Delivery {
    fn deliver_due(&self) -> Result<usize, StoreError> {
        let all = |turn: fn(&Self) -> Result<Option<usize>, StoreError>| {
            let mut delivered = 0;
            while let Some(more) = turn(self)? {
                delivered += more;
            }
            Ok::<_, StoreError>(delivered)
        };
        std::thread::scope(|scope| {
            let callbacks = [(); 3].map(|()| scope.spawn(|| all(Self::callback_turn)));
            let mut delivered = all(Self::mail_turn)?;
            for thread in callbacks {
                delivered += thread.join().unwrap()?;
            }
            Ok(delivered)
        })
    }
}

impl Gateway {
    /// A gateway with the demo's data.
    pub fn demo() -> Self {
        Self::with(&[])
    }

    /// A gateway with the demo's data and these settings.
    pub fn with(settings: &[(&str, &str)]) -> Self {
        let gateway = Self::build(settings);
        // Generating an RSA key takes longer than most tests.
        let key = demo::partner_key_file(gateway.data.path());
        std::fs::create_dir_all(key.parent().unwrap()).unwrap();
        std::fs::write(key, PARTNER_KEY).unwrap();
        demo::load(&gateway.app, gateway.data.path()).unwrap();
        gateway.app.registry.refresh(&gateway.app.store).unwrap();
        gateway
    }

    /// A gateway with an empty database.
    pub fn empty() -> Self {
        Self::build(&[])
    }

    fn build(settings: &[(&str, &str)]) -> Self {
        let data = tempfile::tempdir().unwrap();
        let mut values: Values = settings
            .iter()
            .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
            .collect();
        values.insert(
            "data_dir".into(),
            data.path().to_string_lossy().into_owned(),
        );
        values.insert("listen".into(), "127.0.0.1:0".into());
        values
            .entry("password.cost".into())
            .or_insert_with(|| "4".into());
        let mut config = Config::read(&values, Vec::new()).unwrap();
        let database = Database::fresh();
        if let Some(url) = database.url() {
            config.opening = Opening::parse(&url, 4, 5000).unwrap();
        }
        let node = Node::start(&config);
        let app = Arc::clone(&node.app);
        let delivery = app::delivery(&config, &app, node.address);
        let background = app::background(&config, &app);
        Self {
            app,
            delivery,
            background,
            node,
            config,
            data,
            database,
        }
    }

    /// Another gateway on the same database, with the same keys.
    pub fn beside(&self) -> Node {
        Node::start(&self.config)
    }

    /// Another gateway on the same database, with changed settings.
    pub fn beside_with(&self, change: impl FnOnce(&mut Config)) -> Node {
        let mut config = self.config.clone();
        change(&mut config);
        Node::start(&config)
    }

    /// Builds the program once more, as a restart does.
    pub fn restart(&self) -> std::io::Result<()> {
        let clock = Clock::Fixed(AtomicI64::new(NOW));
        app::build(&self.config, clock, Entropy::System).map(drop)
    }

    /// The audit log and the counted refusals, the newest first, of one user or of all.
    pub fn log(&self, subject: Option<&str>, limit: i64) -> Vec<audit::Listed> {
        self.background.housekeeping.write_refusals();
        let list = self.app.store.read(|c| audit::list(c, subject, limit));
        list.unwrap()
    }

    /// Delivers the due rows and returns the mails in the outbox folder, the oldest first.
    pub fn mails(&self) -> Vec<String> {
        while self.delivery.deliver_due().unwrap() > 0 {}
        let folder = self.data.path().join("outbox");
        let mut files: Vec<PathBuf> = std::fs::read_dir(folder)
            .map(|d| d.flatten().map(|f| f.path()).collect())
            .unwrap_or_default();
        files.sort();
        files
            .iter()
            .map(|f| std::fs::read_to_string(f).unwrap())
            .collect()
    }
}

impl Deref for Gateway {
    type Target = Speaker;
    fn deref(&self) -> &Speaker {
        &self.node.speaker
    }
}

/// A running node; several nodes may share a database.
pub struct Node {
    pub app: Arc<AppContext>,
    speaker: Speaker,
    stop: Option<tokio::sync::oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Node {
    fn start(config: &Config) -> Self {
        let clock = Clock::Fixed(AtomicI64::new(NOW));
        let app = app::build(config, clock, Entropy::System).unwrap();
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let (tell, told) = std::sync::mpsc::channel();
        let (serving, served) = (config.server.clone(), Arc::clone(&app));
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(async {
                let server = Server::bind(serving, served).await.unwrap();
                tell.send(server.address().unwrap()).unwrap();
                server
                    .serve(async {
                        let _ = stopped.await;
                    })
                    .await;
            });
        });
        let address = told.recv().unwrap();
        Self {
            app,
            speaker: Speaker { address },
            stop: Some(stop),
            thread: Some(thread),
        }
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Deref for Node {
    type Target = Speaker;
    fn deref(&self) -> &Speaker {
        &self.speaker
    }
}

/// A client that sends raw HTTP to a gateway.
pub struct Speaker {
    pub address: SocketAddr,
}

impl Speaker {
    /// Sends an envelope as SOAP 1.1.
    pub fn soap(&self, envelope: &str) -> Reply {
        self.post("text/xml; charset=utf-8", envelope.as_bytes())
    }

    /// Posts bytes to the SOAP endpoint.
    pub fn post(&self, content_type: &str, body: &[u8]) -> Reply {
        let head = format!(
            "POST /hammy/ws/user/v1 HTTP/1.1\r\nHost: gateway.test\r\nContent-Type: {content_type}\r\n\
             Content-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        self.raw(&[head.as_bytes(), body].concat())
    }

    /// Fetches a path.
    pub fn get(&self, target: &str) -> Reply {
        let head =
            format!("GET {target} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\n\r\n");
        self.raw(head.as_bytes())
    }

    /// Sends bytes and reads until the gateway closes the connection.
    pub fn raw(&self, bytes: &[u8]) -> Reply {
        let Ok(mut stream) = TcpStream::connect(self.address) else {
            // No assertion expects status 0.
            return Reply {
                status: 0,
                head: String::new(),
                body: String::new(),
            };
        };
        stream
            .set_read_timeout(Some(Duration::from_secs(20)))
            .unwrap();
        // A refusal may come before everything is sent.
        let _ = stream.write_all(bytes);
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
        let answer = String::from_utf8_lossy(&answer).into_owned();
        let (head, body) = answer.split_once("\r\n\r\n").unwrap_or((&answer, ""));
        let status = head
            .split(' ')
            .nth(1)
            .and_then(|s| s.parse().ok())
            .unwrap_or(0);
        Reply {
            status,
            head: head.to_owned(),
            body: body.to_owned(),
        }
    }
}

/// A database for one test: a SQLite file in its data folder, or its own schema on PostgreSQL
/// if `TEST_DATABASE_URL` is set.
pub struct Database {
    schema: Option<(String, String)>,
}

impl Database {
    pub fn fresh() -> Self {
        let url = std::env::var("TEST_DATABASE_URL").ok();
        Self {
            schema: url.map(|url| {
                let schema = fresh_schema(&url);
                (url, schema)
            }),
        }
    }

    /// The URL for a gateway; none for SQLite in the data folder.
    pub fn url(&self) -> Option<String> {
        self.schema.as_ref().map(|(url, schema)| {
            let separator = if url.contains('?') { '&' } else { '?' };
            format!("{url}{separator}options=-csearch_path%3D{schema}%2Cpublic")
        })
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some((url, schema)) = &self.schema {
            let drop = format!("SET client_min_messages = error; DROP SCHEMA {schema} CASCADE");
            psql(url, &drop);
        }
    }
}

fn fresh_schema(url: &str) -> String {
    static COUNT: AtomicUsize = AtomicUsize::new(0);
    let schema = format!(
        "test_{}_{}",
        std::process::id(),
        COUNT.fetch_add(1, Ordering::Relaxed)
    );
    let create = format!(
        "SET client_min_messages = error; SELECT pg_advisory_xact_lock(11); \
         CREATE EXTENSION IF NOT EXISTS pg_trgm SCHEMA public; \
         CREATE SCHEMA {schema}"
    );
    psql(url, &create);
    schema
}

/// Uses PostgreSQL's client psql, because the gateway's store cannot create schemas.
fn psql(url: &str, sql: &str) {
    let done = std::process::Command::new("psql")
        .args(["-q", "-v", "ON_ERROR_STOP=1", "-d", url, "-c", sql])
        .stdout(std::process::Stdio::null())
        .status()
        .unwrap();
    assert!(done.success(), "psql: {sql}");
}

/// Every row of the outbox, the oldest first.
pub fn outbox_rows(c: &mut AnyConnection) -> Result<Vec<outbox::Row>, StoreError> {
    let mut rows = outbox::list(c, None, i64::MAX)?;
    rows.reverse();
    Ok(rows)
}

/// The value of the first element of this name.
pub fn element<'a>(xml: &'a str, name: &str) -> Option<&'a str> {
    let start = xml.find(&format!("<{name}>"))? + name.len() + 2;
    let end = xml[start..].find(&format!("</{name}>"))?;
    Some(&xml[start..start + end])
}

/// A SOAP 1.1 envelope around an operation's `<request>` content, with the demo's key.
pub fn envelope(operation: &str, request: &str) -> String {
    format!(
        "<soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"><soapenv:Body><ws:{operation}><request>\
         <requestMeta><clientHashKey>demo-hash-key</clientHashKey></requestMeta>{request}\
         </request></ws:{operation}></soapenv:Body></soapenv:Envelope>"
    )
}
