//! The sources of settings: the file, the environment and the flags.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::table::{Setting, TABLE};

/// The description of a wrong setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SettingError(pub String);

/// The values of settings as text, by name.
pub type Values = BTreeMap<String, String>;

/// The name of a setting's environment variable.
#[must_use]
pub fn variable(name: &str) -> String {
    format!("GATEWAY_{}", name.replace('.', "_").to_uppercase())
}

/// Merges the file, the environment and the flags, in this order.
///
/// The second value lists the mistakes found so far: unknown names and unreadable files.
pub fn gather(
    file: Option<&Path>,
    environment: &dyn Fn(&str) -> Option<String>,
    flags: Values,
) -> (Values, Vec<SettingError>) {
    let mut values = Values::new();
    let mut mistakes = Vec::new();
    if let Some(path) = file {
        match std::fs::read_to_string(path) {
            Ok(text) => read_file(path, &text, &mut values, &mut mistakes),
            Err(e) => mistakes.push(SettingError(format!("{}: {e}", path.display()))),
        }
    }
    for setting in TABLE {
        let name = variable(setting.name);
        if let Some(value) = environment(&name) {
            values.insert(setting.name.to_owned(), value);
        } else if let Some(path) = environment(&format!("{name}_FILE")) {
            match std::fs::read_to_string(&path) {
                Ok(text) => {
                    values.insert(setting.name.to_owned(), text.trim().to_owned());
                }
                Err(e) => mistakes.push(SettingError(format!("{name}_FILE={path}: {e}"))),
            }
        }
    }
    values.extend(flags);
    (values, mistakes)
}

/// The files that hold values of settings, as named by environment variables such as `GATEWAY_MAIL_PASSWORD_FILE`.
#[must_use]
pub fn secret_files(environment: &dyn Fn(&str) -> Option<String>) -> Vec<PathBuf> {
    let named = |setting: &Setting| environment(&format!("{}_FILE", variable(setting.name)));
    TABLE.iter().filter_map(named).map(PathBuf::from).collect()
}

/// Whether this settings file holds a password: that of the mail server, or one in the database URL.
#[must_use]
pub fn holds_a_secret(path: &Path) -> bool {
    let (mut values, mut mistakes) = (Values::new(), Vec::new());
    let text = std::fs::read_to_string(path).unwrap_or_default();
    read_file(path, &text, &mut values, &mut mistakes);
    let given = |name: &str| values.get(name).filter(|value| !value.is_empty());
    let url = given("database_url").and_then(|url| url.split_once("://"));
    let login = url.and_then(|(_, rest)| rest.split_once('@'));
    given("mail.password").is_some() || login.is_some_and(|(login, _)| login.contains(':'))
}

fn read_file(path: &Path, text: &str, values: &mut Values, mistakes: &mut Vec<SettingError>) {
    let file = path.display();
    let table: toml::Table = match text.parse() {
        Ok(table) => table,
        Err(error) => return mistakes.push(SettingError(format!("{file}: {error}"))),
    };
    let mut add = |name: String, value: &toml::Value| {
        let text = match value {
            toml::Value::String(s) => s.clone(),
            toml::Value::Integer(n) => n.to_string(),
            toml::Value::Boolean(b) => b.to_string(),
            _ => {
                return mistakes.push(SettingError(format!(
                    "{file}: {name} must be a text, a whole number or true or false"
                )));
            }
        };
        if TABLE.iter().any(|s| s.name == name) {
            values.insert(name, text);
        } else {
            mistakes.push(SettingError(format!("{file}: {name} is not a setting")));
        }
    };
    for (key, value) in &table {
        match value {
            toml::Value::Table(inner) => {
                for (sub, value) in inner {
                    add(format!("{key}.{sub}"), value);
                }
            }
            value => add(key.clone(), value),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_override_the_environment() {
        let environment = |name: &str| (name == "GATEWAY_LISTEN").then(|| "127.0.0.1:1".to_owned());
        let flags = Values::from([("listen".to_owned(), "127.0.0.1:2".to_owned())]);
        let values = gather(None, &environment, flags).0;
        assert_eq!(values["listen"], "127.0.0.1:2");
        let values = gather(None, &environment, Values::new()).0;
        assert_eq!(values["listen"], "127.0.0.1:1");
    }
}
