//! The entry point: command-line arguments, configuration and start of the server.

mod cli;

use std::io::{self, IsTerminal as _, Write as _};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;

use chaingun_gateway::app_context::AppContext;
use chaingun_gateway::background::hangup::Reloaded;
use chaingun_gateway::background::registry_file;
use chaingun_gateway::clock::Clock;
use chaingun_gateway::config::{self, Config, SettingError, Values};
use chaingun_gateway::entropy::Entropy;
use chaingun_gateway::log_format::SpanFields;
use chaingun_gateway::server::{Server, ServerConfig, raise_descriptors};
use chaingun_gateway::{app, demo, jsonrpc};
use clap::{Parser, Subcommand};
use cli::{
    ApplyArgs, AuditCommand, ClientCommand, ContractCommand, KeysCommand, MailCommand, OrgCommand,
    OutboxCommand, Output, PartnerCommand, RegistryCommand, UserCommand,
};
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt;
use tracing_subscriber::layer::SubscriberExt as _;
use tracing_subscriber::util::SubscriberInitExt as _;

#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// An identity gateway.
#[derive(Parser)]
#[command(
    version,
    about,
    after_help = "Exit codes: 0 success, 1 failure, 2 wrong usage, 64 wrong configuration."
)]
struct Cli {
    /// Settings file. The default is gateway.toml in the current folder, if that file exists.
    #[arg(long, global = true, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Folder for the embedded database, keys and mail files.
    #[arg(long, global = true, value_name = "DIR")]
    data_dir: Option<String>,
    /// Database: a postgres:// URL or a SQLite path.
    #[arg(long, global = true, value_name = "URL")]
    database_url: Option<String>,
    /// Print JSON, one record per line.
    #[arg(long, global = true)]
    json: bool,
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the gateway until SIGTERM or Ctrl-C.
    Serve {
        /// Address to listen on. With port 0 the system chooses a port, which is logged.
        #[arg(long, value_name = "ADDRESS")]
        listen: Option<String>,
        /// Public URL of the gateway, without a path.
        #[arg(long, value_name = "URL")]
        public_url: Option<String>,
        /// Load demo data and print example calls; works on a loopback address only.
        #[arg(long)]
        demo: bool,
        /// Registry file, applied at start and at SIGHUP.
        #[arg(long, value_name = "FILE")]
        registry: Option<String>,
    },
    /// Apply pending database migrations, and report rows that violate current rules.
    Migrate,
    /// Check the settings and the registry file, and report all mistakes.
    CheckConfig,
    /// Update the registry from a file: clients, organisations, portals, services, agreements, applications and
    /// partners.
    Apply(ApplyArgs),
    /// Manage the registry as a whole.
    #[command(subcommand)]
    Registry(RegistryCommand),
    /// Manage clients and their keys.
    #[command(subcommand)]
    Client(ClientCommand),
    /// Manage organisations.
    #[command(subcommand)]
    Org(OrgCommand),
    /// Manage partners and test their sign-in tokens.
    #[command(subcommand)]
    Partner(PartnerCommand),
    /// Manage users.
    #[command(subcommand)]
    User(UserCommand),
    /// List and rotate the keys that sign tokens.
    #[command(subcommand)]
    Keys(KeysCommand),
    /// Preview mail templates and test delivery.
    #[command(subcommand)]
    Mail(MailCommand),
    /// Inspect and retry undelivered mails and callbacks.
    #[command(subcommand)]
    Outbox(OutboxCommand),
    /// Read the audit log.
    #[command(subcommand)]
    Audit(AuditCommand),
    /// Print the published contract, or adopt the contract of an older installation.
    #[command(subcommand)]
    Contract(ContractCommand),
}

/// The exit code for a wrong configuration (`EX_USAGE`).
const WRONG_CONFIGURATION: u8 = 64;

fn main() -> ExitCode {
    let cli = Cli::parse();
    let config = match configure(&cli) {
        Ok(config) => config,
        Err(mistakes) => {
            for SettingError(text) in mistakes {
                complain(&text);
            }
            return ExitCode::from(WRONG_CONFIGURATION);
        }
    };
    let output = Output { json: cli.json };
    let mut mistakes = Vec::new();
    let result = match cli.command {
        Command::Serve { demo, .. } => serve(&config, settings_file(&cli.config), demo),
        Command::Migrate => cli::findings::migrate(&config, output),
        Command::Apply(args) => {
            cli::registry::apply(&config, output, &args).map(|found| mistakes = found)
        }
        Command::Registry(command) => cli::registry::run(&config, command),
        Command::CheckConfig => {
            for finding in file_modes(&config, settings_file(&cli.config)) {
                complain(&format!("warning: {finding}"));
            }
            for warning in config.server.contracts.iter().filter_map(|c| c.warning()) {
                complain(&format!("warning: {warning}"));
            }
            if let Some(file) = config.registry.as_deref() {
                let (found, warnings) = cli::registry::check(file, config.callbacks.reach);
                for warning in warnings {
                    complain(&format!("warning: {warning}"));
                }
                mistakes = found;
            }
            match mistakes.is_empty() {
                true => say("The configuration is valid."),
                false => Ok(()),
            }
        }
        Command::Client(command) => cli::clients::run(&config, output, command),
        Command::Org(command) => cli::organisations::run(&config, output, command),
        Command::Partner(command) => cli::partners::run(&config, output, command),
        Command::User(command) => cli::users::run(&config, output, command),
        Command::Keys(command) => cli::keys::run(&config, output, command),
        Command::Mail(command) => cli::mail::run(&config, output, command),
        Command::Outbox(command) => cli::outbox::run(&config, output, command),
        Command::Audit(command) => cli::audit::run(&config, output, command),
        Command::Contract(command) => cli::contract::run(output, command),
    };
    for mistake in &mistakes {
        complain(mistake);
    }
    match result {
        Ok(()) if !mistakes.is_empty() => ExitCode::from(WRONG_CONFIGURATION),
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            complain(&error.to_string());
            ExitCode::FAILURE
        }
    }
}

fn complain(text: &str) {
    let _ = writeln!(io::stderr(), "chaingun-gateway: {text}");
}

fn say(text: &str) -> io::Result<()> {
    writeln!(io::stdout(), "{text}")
}

fn configure(cli: &Cli) -> Result<Config, Vec<SettingError>> {
    let mut flags = Values::new();
    let mut flag = |name: &str, value: &Option<String>| {
        if let Some(value) = value {
            flags.insert(name.to_owned(), value.clone());
        }
    };
    flag("data_dir", &cli.data_dir);
    flag("database_url", &cli.database_url);
    if let Command::Serve {
        listen,
        public_url,
        registry,
        ..
    } = &cli.command
    {
        flag("registry", registry);
        flag("listen", listen);
        flag("public_url", public_url);
    }
    let file = settings_file(&cli.config);
    let (values, mistakes) = config::gather(file, &|name| std::env::var(name).ok(), flags);
    Config::read(&values, mistakes)
}

/// The settings file: the given one, or `gateway.toml` if it exists.
fn settings_file(asked_for: &Option<PathBuf>) -> Option<&Path> {
    let usual = Path::new("gateway.toml");
    asked_for.as_deref().or(usual.exists().then_some(usual))
}

fn file_modes(config: &Config, settings_file: Option<&Path>) -> Vec<String> {
    cli::file_modes::findings(config, settings_file, &|name| std::env::var(name).ok())
}

fn telemetry(config: &Config) -> io::Result<()> {
    // `EnvFilter` would also filter by the fields of spans, and takes a lock whenever a span is entered, left or
    // closed.
    let filter: Targets = config.log.parse().map_err(io::Error::other)?;
    let lines = tracing_subscriber::registry().with(filter);
    let text = fmt::layer()
        .with_writer(io::stderr)
        .with_ansi(io::stderr().is_terminal());
    let set = if config.log_json {
        lines.with(text.json().fmt_fields(SpanFields)).try_init()
    } else {
        lines.with(text).try_init()
    };
    set.map_err(io::Error::other)
}

/// The lowest bcrypt cost that is safe for real passwords (OWASP Password Storage).
const MIN_SAFE_COST: u32 = 10;

fn serve(config: &Config, settings_file: Option<&Path>, with_demo: bool) -> io::Result<()> {
    telemetry(config)?;
    raise_descriptors(&config.server);
    if with_demo && !config.server.listen.ip().is_loopback() {
        return Err(io::Error::other(
            "--demo works on a loopback address only: set listen to one, such as 127.0.0.1:8080",
        ));
    }
    if config.password_cost < MIN_SAFE_COST {
        tracing::warn!(
            cost = config.password_cost,
            "this password.cost is safe for tests only; set it to {MIN_SAFE_COST} or more"
        );
    }
    for warning in config.server.contracts.iter().filter_map(|c| c.warning()) {
        tracing::warn!("{warning}");
    }
    let app = app::build(config, Clock::System, Entropy::System)?;
    for finding in file_modes(config, settings_file) {
        tracing::warn!("{finding}");
    }
    match with_demo {
        true => load_demo(config, &app)?,
        false => check_for_demo(config, &app)?,
    }
    let delivering = if with_demo {
        demo::with_loopback_callbacks(config)
    } else {
        config.clone()
    };
    let reach = delivering.callbacks.reach;
    if let Some(file) = &config.registry {
        registry_file::apply_at_start(&app, file, reach)?;
    }
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()?;
    let (shared, counting) = (Arc::clone(&app), Arc::clone(&app));
    runtime
        .block_on(async {
            let server = Server::bind(config.server.clone(), app)
                .await
                .map_err(|e| {
                    let what = format!("cannot listen on {}: {e}", config.server.listen);
                    io::Error::new(e.kind(), what)
                })?;
            let address = server.address()?;
            let running = (
                app::delivery(&delivering, &shared, address).start()?,
                app::background(&delivering, &shared).start()?,
            );
            // The signal handlers must be in place before the log line "listening", because a supervisor may send a
            // signal after this line.
            let stop = stop_signal()?;
            let reloaded = Reloaded {
                app: shared,
                registry: config.registry.clone(),
                reach,
                templates: config.templates.clone(),
            };
            reloaded.at_hangup()?;
            tracing::info!(%address, "listening");
            cli::findings::count_in_background(counting)?;
            if with_demo {
                let key = demo::partner_key_file(&config.data_dir);
                print_demo_calls(&address.to_string(), &config.server, &key)?;
            }
            server.serve(stop).await;
            tracing::info!("stopped");
            Ok::<_, io::Error>(running)
        })
        // Dropping the workers ends them, outside the runtime.
        .map(drop)
}

/// Loads the demo data, unless the database has other data.
fn load_demo(config: &Config, app: &AppContext) -> io::Result<()> {
    if demo::has_other_data(app)? {
        return Err(io::Error::other(
            "this database has users or clients with keys: load the demo into another --data-dir",
        ));
    }
    demo::load(app, &config.data_dir)?;
    Ok(app.registry.refresh(&app.store)?)
}

/// Warns about demo data in the database, and refuses to serve it to other machines.
fn check_for_demo(config: &Config, app: &AppContext) -> io::Result<()> {
    if !demo::is_loaded(app)? {
        return Ok(());
    }
    if !config.server.listen.ip().is_loopback() {
        return Err(io::Error::other(
            "this database holds the demo's users and keys, which are public: use another --data-dir or \
             --database-url, or listen on a loopback address",
        ));
    }
    tracing::warn!("this database holds the demo's users and keys, which are public");
    Ok(())
}

/// Resolves at the first SIGTERM or Ctrl-C from now on. The signal handlers are installed on return.
fn stop_signal() -> io::Result<impl Future<Output = ()>> {
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        let mut terminate = signal(SignalKind::terminate())?;
        let mut interrupt = signal(SignalKind::interrupt())?;
        Ok(async move {
            tokio::select! {
                _ = interrupt.recv() => {}
                _ = terminate.recv() => {}
            }
        })
    }
    #[cfg(not(unix))]
    {
        let interrupt = tokio::signal::windows::ctrl_c()?;
        Ok(async move {
            let mut interrupt = interrupt;
            let _ = interrupt.recv().await;
        })
    }
}

/// Prints an example call for each face.
fn print_demo_calls(address: &str, server: &ServerConfig, key: &Path) -> io::Result<()> {
    let path = server.soap_paths.first().map_or("", String::as_str);
    let prefix = server.rest_prefixes.first().map_or("", String::as_str);
    say(&format!(
        "The demo data is loaded. Show a user over SOAP:\n\n\
         curl -s http://{address}{path} -H 'Content-Type: text/xml; charset=utf-8' -d '\
         <soapenv:Envelope xmlns:soapenv=\"http://schemas.xmlsoap.org/soap/envelope/\" \
         xmlns:ws=\"http://ws.service.user.api.chaingun.dbx.hu/\"><soapenv:Body><ws:showUser><request>\
         <requestMeta><clientHashKey>demo-hash-key</clientHashKey></requestMeta>\
         <userName>mokamiki</userName></request></ws:showUser></soapenv:Body></soapenv:Envelope>'\n\n\
         Show the user as a JSON:API resource:\n\n\
         curl -s http://{address}{prefix}/users/mokamiki -H 'X-Client-Hash-Key: demo-hash-key'\n\n\
         Sign the user in, and list the agreements that a service still requires of it, over JSON-RPC:\n\n\
         token=$(curl -s http://{address}{prefix}/password/authenticate -H 'Content-Type: application/json' \
         -d '{{\"userNameOrEmail\":\"mokamiki\",\"password\":\"MokaMiki-1234\"}}' | sed 's/.*\"JWT \\([^\"]*\\)\".*/\\1/')\n\
         curl -s http://{address}{rpc} -H 'Content-Type: application/json-rpc' -d '{{\"jsonrpc\":\"2.0\",\"id\":1,\
         \"method\":\"check_user_agreements\",\"params\":{{\"client_id\":\"konto.onet.pl.front\",\"token\":\"'$token'\",\
         \"portal_id\":1,\"service_id\":1}}}}'\n\n\
         Look up a partner's user in the directory:\n\n\
         curl -s http://{address}/user/v1/get/externalId/42/externalIdProvider/apekx/externalIdType/apekx \
         -H 'X-Client-Hash-Key: demo-hash-key'\n\n\
         Print an address that signs this user in when opened in a browser:\n\n\
         chaingun-gateway partner test-token --url http://{address} --sign-with {key} --iss apekx --sub 42 \
         --school-id pre_created_school_external_id\n",
        key = key.display(),
        rpc = jsonrpc::PATH,
    ))
}
