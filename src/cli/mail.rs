//! `mail`: templates and test mails.

use std::io::{self, Write as _};
use std::path::PathBuf;

use chaingun_gateway::clock::Clock;
use chaingun_gateway::config::Config;
use chaingun_gateway::delivery::{
    MailTemplates, TEMPLATES, preview, sample, send_now, write_templates,
};
use chaingun_gateway::domain::notice::Topic;
use chaingun_gateway::{app, domain::mailbox::is_email};
use clap::Subcommand;
use serde_json::json;

use super::{Column, Output, fail};

/// Commands about mails.
#[derive(Subcommand)]
pub enum MailCommand {
    /// List the mail templates and the files that replace them, or write the built-in templates for editing.
    ///
    /// They are Jinja templates with the variables name, user_name, email and link; activation, password-reset and
    /// email-changed also have token, email-changed has hours, and identity-linked and identity-unlinked have systems.
    /// The first line of a text template is the subject. The setting mail.templates names the folder; missing templates
    /// fall back to the built-in ones. A running gateway reads them again at SIGHUP.
    Templates {
        /// Write the built-in templates into this folder; existing files stay.
        #[arg(long, value_name = "DIR")]
        write: Option<PathBuf>,
        /// Replace existing files.
        #[arg(long, requires = "write")]
        force: bool,
    },
    /// Send a sample mail to an address at once, without the outbox, or print it.
    Test {
        /// The recipient.
        #[arg(long, value_name = "ADDRESS")]
        to: String,
        /// The kind of mail.
        #[arg(long, default_value = "activation", value_parser = Topic::ALL.iter().map(|topic| topic.as_str()).collect::<Vec<_>>())]
        topic: String,
        /// The language of the mail.
        #[arg(long, default_value = "hu", value_parser = ["hu", "en"])]
        language: String,
        /// Print the mail instead of sending it.
        #[arg(long)]
        print: bool,
    },
}

/// Runs a command.
pub fn run(config: &Config, output: Output, command: MailCommand) -> io::Result<()> {
    match command {
        MailCommand::Templates { write: None, .. } => list(&config.templates, output),
        MailCommand::Templates {
            write: Some(folder),
            force,
        } => {
            let written = write_templates(&folder, force)?;
            let sentence = format!(
                "{} templates written to {}.",
                written.len(),
                folder.display()
            );
            output.done(&sentence, &[("written", json!(written))])
        }
        MailCommand::Test {
            to,
            topic,
            language,
            print,
        } => {
            if !is_email(&to) {
                return fail("--to must be an e-mail address");
            }
            let topic = Topic::parse(&topic).unwrap_or(Topic::Activation);
            let settings = app::mail_settings(config, config.server.listen);
            let (english, now) = (language == "en", Clock::System.now());
            let notice = sample(topic, english, &to);
            if print {
                let mail = preview(&settings, &notice, now).map_err(io::Error::other)?;
                return io::stdout().write_all(&mail);
            }
            send_now(&settings, &notice, now).map_err(io::Error::other)?;
            output.done(&format!("Sent to {to}."), &[("sent", json!(to))])
        }
    }
}

fn list(templates: &MailTemplates, output: Output) -> io::Result<()> {
    let own = |name: &str| {
        let path = templates.folder()?.join(name);
        path.exists().then(|| path.display().to_string())
    };
    let names = TEMPLATES.iter().map(|(name, _)| (*name, own(name)));
    let columns: [Column<(&str, Option<String>)>; 2] = [
        ("template", |(name, _)| json!(name)),
        ("replaced_by", |(_, own)| json!(own)),
    ];
    output.table(&columns, &names.collect::<Vec<_>>())
}
