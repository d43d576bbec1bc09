//! `contract`: the published contract, and the contracts of older installations.

use std::io;

use chaingun_gateway::config::{Config, Values};
use chaingun_gateway::contract::{openapi, wsdl};
use chaingun_gateway::delivery::fetch;
use chaingun_gateway::operations::{rest_entries, soap_entries};
use chaingun_gateway::soap::{Contract, Difference, Names};
use clap::Subcommand;
use serde_json::{Value, json};

use super::{Column, Output, fail, say};

/// The files of the printed contract.
const WSDL_FILE: &str = "wsdl/ChaingunUserAPI.wsdl";
const XSD_FILE: &str = "schema/xsd/ChaingunUserAPI.xsd";
const OPENAPI_FILE: &str = "schema/openapi.json";

/// Commands about contracts.
#[derive(Subcommand)]
pub enum ContractCommand {
    /// Print the WSDL, its schema and the OpenAPI document.
    Print {
        /// Write the documents to wsdl/ChaingunUserAPI.wsdl, schema/xsd/ChaingunUserAPI.xsd and schema/openapi.json instead.
        #[arg(long)]
        write: bool,
    },
    /// Read the WSDL of an older installation. Print the settings that serve it, and what the gateway cannot match.
    ///
    /// The exit code is 1 if clients of the WSDL may fail.
    Adopt {
        /// The WSDL file. Imported schemas must be files too.
        wsdl: String,
        /// The path at which to serve it; by default, the path in the WSDL.
        #[arg(long)]
        path: Option<String>,
        /// A name that differs, as OURS=THEIRS; for several names, repeat the option.
        #[arg(long = "name", value_parser = name)]
        names: Vec<(String, String)>,
    },
    /// Compare a WSDL file with the contract that a running gateway serves.
    ///
    /// The exit code is 1 if they differ.
    Compare {
        /// The WSDL file.
        wsdl: String,
        /// The URL of the endpoint, such as https://id.example.org/old/UserService.
        #[arg(long)]
        url: String,
    },
}

fn name(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((ours, theirs)) if !ours.is_empty() && !theirs.is_empty() => {
            Ok((ours.to_owned(), theirs.to_owned()))
        }
        _ => Err("must be OURS=THEIRS, like showUser=getUser".to_owned()),
    }
}

/// Runs a command.
pub fn run(output: Output, command: ContractCommand) -> io::Result<()> {
    match command {
        ContractCommand::Print { write } => print(write),
        ContractCommand::Adopt { wsdl, path, names } => adopt(output, &wsdl, path, &names),
        ContractCommand::Compare { wsdl, url } => compare(output, &wsdl, &url),
    }
}

fn print(write: bool) -> io::Result<()> {
    let entries = soap_entries();
    let wsdl = wsdl::wsdl(
        &entries,
        "http://localhost:8080/hammy/ws/user/v1",
        wsdl::Schema::At(&format!("../{XSD_FILE}")),
    );
    let xsd = wsdl::xsd(&entries);
    // The printed document has the default paths, whatever the current settings are.
    let defaults = Config::read(&Values::new(), Vec::new())
        .map_err(|_| io::Error::other("the default settings are not valid"))?;
    let openapi = openapi::document(&rest_entries(), &defaults.server.rest_prefixes);
    if write {
        std::fs::write(WSDL_FILE, wsdl)?;
        std::fs::write(XSD_FILE, xsd)?;
        std::fs::write(OPENAPI_FILE, openapi)
    } else {
        say(&wsdl)?;
        say(&xsd)?;
        say(&openapi)
    }
}

const DIFFERENCES: [Column<Difference>; 3] = [
    ("serious", |d| json!(d.is_serious)),
    ("place", |d| json!(d.place)),
    ("difference", |d| json!(d.text)),
];

fn adopt(output: Output, file: &str, path: Option<String>, names: &Names) -> io::Result<()> {
    let contract = Contract::read("", file, names).map_err(io::Error::other)?;
    let Some(path) = path.or_else(|| contract.original_path()) else {
        return fail("the WSDL has no address; name the path of the endpoint with --path");
    };
    let serious = contract.differences.iter().filter(|d| d.is_serious).count();
    if output.json {
        output.table(&DIFFERENCES, &contract.differences)?;
    } else {
        let pairs: Vec<_> = names.iter().map(|(o, t)| format!("{o}={t}")).collect();
        say("# Settings for gateway.toml\n[soap]")?;
        say(&format!(
            "contracts = {}",
            Value::from(format!("{path}={file}"))
        ))?;
        if !pairs.is_empty() {
            say(&format!("names = {}", Value::from(pairs.join(", "))))?;
        }
        say("\n# The contract")?;
        for (name, value) in contract.described() {
            say(&format!("# {name}: {value}"))?;
        }
        for (title, is_serious) in [("Not matched", true), ("Differences without harm", false)] {
            let chosen = contract
                .differences
                .iter()
                .filter(|d| d.is_serious == is_serious);
            let mut chosen = chosen.peekable();
            if chosen.peek().is_some() {
                say(&format!("\n# {title}"))?;
            }
            for difference in chosen {
                say(&format!("# {}: {}", difference.place, difference.text))?;
            }
        }
    }
    match serious {
        0 => Ok(()),
        n => fail(format!("{n} parts of the WSDL are not matched")),
    }
}

fn compare(output: Output, file: &str, url: &str) -> io::Result<()> {
    let none = Names::new();
    let wanted = Contract::read("", file, &none).map_err(io::Error::other)?;
    let served =
        Contract::load("", &format!("{url}?wsdl"), &none, &fetch).map_err(io::Error::other)?;
    let differences = wanted.compare(&served);
    for line in &differences {
        match output.json {
            true => output.record(&[("difference", json!(line))])?,
            false => say(line)?,
        }
    }
    match differences.len() {
        0 => output.done("The contracts are the same.", &[("differences", json!(0))]),
        n => fail(format!(
            "{n} lines differ; - is only in {file}, + only at {url}"
        )),
    }
}
