//! The templates of mails in both languages. The operator can replace each built-in template by a file.

use std::collections::HashSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};

use minijinja::{Environment, UndefinedBehavior, context};

use crate::domain::notice::{Notice, Topic};
use crate::domain::text::has_control;

macro_rules! templates {
    ($($name:literal)+) => {
        /// The built-in templates: name and text.
        pub const TEMPLATES: &[(&str, &str)] =
            &[$(($name, include_str!(concat!("mails/", $name))),)+];
    };
}

templates! {
    "activation.hu.txt" "activation.hu.html" "activation.en.txt" "activation.en.html"
    "password-reset.hu.txt" "password-reset.hu.html" "password-reset.en.txt" "password-reset.en.html"
    "password-changed.hu.txt" "password-changed.hu.html" "password-changed.en.txt" "password-changed.en.html"
    "email-changed.hu.txt" "email-changed.hu.html" "email-changed.en.txt" "email-changed.en.html"
    "identity-linked.hu.txt" "identity-linked.hu.html" "identity-linked.en.txt" "identity-linked.en.html"
    "identity-unlinked.hu.txt" "identity-unlinked.hu.html" "identity-unlinked.en.txt" "identity-unlinked.en.html"
}

/// The variables of templates.
const NAMES: [&str; 7] = [
    "name",
    "user_name",
    "email",
    "link",
    "token",
    "hours",
    "systems",
];
/// The names that minijinja defines.
const FUNCTIONS: [&str; 3] = ["range", "dict", "namespace"];
/// The largest template, in bytes.
const MAX_BYTES: u64 = 65_536;
/// The longest subject, in characters.
const MAX_SUBJECT: usize = 200;
/// The token of sample mails.
const SAMPLE_TOKEN: &str = "0123456789abcdef0123456789abcdef";
/// The start of the first line of a text template.
const SUBJECT: &str = "Subject:";

/// The templates in use. All clones share them.
#[derive(Debug, Clone)]
pub struct MailTemplates {
    /// The operator's folder of templates.
    folder: Option<PathBuf>,
    /// Replaced as a whole by [`MailTemplates::reload`].
    current: Arc<RwLock<Arc<Environment<'static>>>>,
}

/// The texts of one mail.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct MailText {
    /// One line, without control characters.
    pub subject: String,
    pub text: String,
    pub html: String,
}

impl MailTemplates {
    /// The templates in this folder, and the built-in ones for missing files.
    ///
    /// # Errors
    /// Every fault of the folder and of its templates, as messages for the operator.
    pub fn load(folder: Option<&Path>) -> Result<Self, Vec<String>> {
        Ok(Self::new(folder, compile(folder)?))
    }

    /// The built-in templates.
    #[must_use]
    pub fn built_in() -> Self {
        // Tests compile the built-in templates. If one were broken, there would be no templates, and
        // every mail would fail.
        Self::new(None, compile(None).unwrap_or_default())
    }

    fn new(folder: Option<&Path>, environment: Environment<'static>) -> Self {
        Self {
            folder: folder.map(Path::to_path_buf),
            current: Arc::new(RwLock::new(Arc::new(environment))),
        }
    }

    /// Reads the folder again. After an error the templates in use stay.
    ///
    /// # Errors
    /// Those of [`MailTemplates::load`].
    pub fn reload(&self) -> Result<(), Vec<String>> {
        let fresh = Arc::new(compile(self.folder.as_deref())?);
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = fresh;
        Ok(())
    }

    /// The operator's folder of templates.
    #[must_use]
    pub fn folder(&self) -> Option<&Path> {
        self.folder.as_deref()
    }

    /// Composes the texts of a mail. `link` is the page for its token.
    pub(super) fn write(&self, notice: &Notice, link: &str) -> Result<MailText, String> {
        let current = Arc::clone(&self.current.read().unwrap_or_else(PoisonError::into_inner));
        compose(&current, notice, link)
    }
}

/// Writes the built-in templates into a folder, which is created if it is missing. Existing files stay unless `replace`
/// is set. Returns the names of the written files.
pub fn write_templates(folder: &Path, replace: bool) -> std::io::Result<Vec<&'static str>> {
    fs::create_dir_all(folder)?;
    let mut written = Vec::new();
    for (name, text) in TEMPLATES {
        let path = folder.join(name);
        if replace || !path.exists() {
            fs::write(path, text)?;
            written.push(*name);
        }
    }
    Ok(written)
}

/// Compiles every template and checks it by composing a sample mail.
fn compile(folder: Option<&Path>) -> Result<Environment<'static>, Vec<String>> {
    let mut wrong = Vec::new();
    let mut environment = Environment::new();
    // A template that uses an undefined variable is faulty.
    environment.set_undefined_behavior(UndefinedBehavior::SemiStrict);
    if let Some(folder) = folder {
        wrong.extend(misnamed(folder));
    }
    for (name, ours) in TEMPLATES {
        let text = match folder.map(|folder| own(folder, name)).transpose() {
            Ok(own) => own.flatten().unwrap_or_else(|| (*ours).to_owned()),
            Err(what) => {
                wrong.push(what);
                continue;
            }
        };
        if let Err(error) = environment.add_template_owned(*name, text) {
            wrong.push(format!("mail template {name}: {error}"));
        }
    }
    for check in [unknown_names, failing] {
        if wrong.is_empty() {
            wrong = check(&environment);
        }
    }
    match wrong.is_empty() {
        true => Ok(environment),
        false => Err(wrong),
    }
}

/// Files with a template's extension but an unknown name, which is most likely misspelled.
fn misnamed(folder: &Path) -> Vec<String> {
    let entries = match fs::read_dir(folder) {
        Ok(entries) => entries,
        Err(error) => return vec![format!("mail.templates {}: {error}", folder.display())],
    };
    let mut names: Vec<_> = entries
        .flatten()
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(|name| name.ends_with(".txt") || name.ends_with(".html"))
        .filter(|name| TEMPLATES.iter().all(|(known, _)| known != name))
        .collect();
    names.sort();
    let names = names.iter();
    names
        .map(|name| format!("mail template {name:?} belongs to no mail"))
        .collect()
}

/// The operator's template with this name, if the file exists.
fn own(folder: &Path, name: &str) -> Result<Option<String>, String> {
    let path = folder.join(name);
    let message =
        |what: &dyn std::fmt::Display| format!("mail template {}: {what}", path.display());
    match fs::metadata(&path) {
        Ok(found) if found.len() > MAX_BYTES => {
            Err(message(&format!("is over {MAX_BYTES} bytes long")))
        }
        Ok(_) => fs::read_to_string(&path).map(Some).map_err(|e| message(&e)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(message(&error)),
    }
}

/// Undefined variables, also in branches that a sample does not reach.
fn unknown_names(environment: &Environment<'_>) -> Vec<String> {
    let known: HashSet<&str> = NAMES.into_iter().chain(FUNCTIONS).collect();
    let mut wrong = Vec::new();
    for (name, template) in environment.templates() {
        let mut unknown: Vec<_> = template.undeclared_variables(false).into_iter().collect();
        unknown.retain(|variable| !known.contains(variable.as_str()));
        unknown.sort();
        for variable in unknown {
            wrong.push(format!(
                "mail template {name}: there is no {variable}; there are {}",
                NAMES.join(", ")
            ));
        }
    }
    wrong.sort();
    wrong
}

/// Composes one mail of each kind and reports failures.
fn failing(environment: &Environment<'_>) -> Vec<String> {
    let mut wrong = Vec::new();
    for &topic in Topic::ALL {
        for english in [false, true] {
            let notice = sample(topic, english, "somebody@example.org");
            let link = "https://id.example.org/checkSSO/page.html";
            match compose(environment, &notice, link) {
                Err(what) => wrong.push(what),
                // The subject must not show the name: a stranger may have chosen the name, and a recipient reads the
                // subject first.
                Ok(texts) if shows_names(&texts.subject, &notice) => wrong.push(format!(
                    "mail template {}.{}.txt: the subject must not show the name",
                    topic.as_str(),
                    if english { "en" } else { "hu" }
                )),
                Ok(_) => {}
            }
        }
    }
    wrong
}

/// Whether a subject contains text that other people have chosen.
fn shows_names(subject: &str, notice: &Notice) -> bool {
    let has_systems = matches!(
        notice.topic,
        Topic::IdentityLinked | Topic::IdentityUnlinked
    );
    subject.contains(&notice.name) || (has_systems && subject.contains(&notice.detail))
}

/// A sample mail without personal data.
#[must_use]
pub fn sample(topic: Topic, english: bool, to: &str) -> Notice {
    let name = match english {
        true => "Jane Sample",
        false => "Minta Ágnes",
    };
    let token = topic.has_token().then_some(SAMPLE_TOKEN);
    let detail = match topic {
        Topic::EmailChanged => "72",
        Topic::IdentityLinked | Topic::IdentityUnlinked => "Example School",
        Topic::Activation | Topic::PasswordReset | Topic::PasswordChanged => "",
    };
    Notice {
        topic,
        english,
        to: to.to_owned(),
        name: name.to_owned(),
        user_name: "sample".to_owned(),
        token: token.unwrap_or_default().to_owned(),
        detail: detail.to_owned(),
    }
}

fn compose(environment: &Environment<'_>, notice: &Notice, link: &str) -> Result<MailText, String> {
    let language = if notice.english { "en" } else { "hu" };
    let render = |kind: &str| {
        let name = format!("{}.{language}.{kind}", notice.topic.as_str());
        let values = context! {
            name => match notice.name.is_empty() {
                true if notice.english => "user".to_owned(),
                true => "Felhasználónk".to_owned(),
                false => one_line(&notice.name),
            },
            user_name => one_line(&notice.user_name),
            email => one_line(&notice.to),
            link => link,
            token => one_line(&notice.token),
            hours => one_line(&notice.detail),
            systems => one_line(&notice.detail),
        };
        let template = environment.get_template(&name);
        let mut text = template
            .and_then(|template| template.render(values))
            .map_err(|error| format!("mail template {name}: {error}"))?;
        text.push('\n');
        Ok::<_, String>((name, text))
    };
    let (name, text) = render("txt")?;
    let (_, html) = render("html")?;
    // Here every line ends with LF, even if the template was written with CRLF.
    let text = text.replace("\r\n", "\n");
    let (head, text) = text.split_once('\n').unwrap_or((&text, ""));
    let subject = head.strip_prefix(SUBJECT).map(one_line).unwrap_or_default();
    let subject: String = subject.trim().chars().take(MAX_SUBJECT).collect();
    if subject.is_empty() {
        return Err(format!(
            "mail template {name}: the first line must be `{SUBJECT} …`"
        ));
    }
    Ok(MailText {
        subject,
        text: text.trim_start_matches('\n').to_owned(),
        html,
    })
}

/// Replaces control characters by blanks, so that no value can start a header or a line.
pub(super) fn one_line(text: &str) -> String {
    let harmless = |c: char| match has_control(c.encode_utf8(&mut [0; 4])) {
        true => ' ',
        false => c,
    };
    text.chars().map(harmless).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hostile(name: &str) -> Notice {
        Notice {
            name: name.to_owned(),
            user_name: name.to_owned(),
            ..sample(Topic::Activation, false, "valaki@valami.hu")
        }
    }

    #[test]
    fn writes_each_topic_in_both_languages() {
        let templates = MailTemplates::load(None).unwrap();
        for &topic in Topic::ALL {
            let subjects = [false, true].map(|english| {
                let notice = sample(topic, english, "valaki@valami.hu");
                let texts = templates
                    .write(&notice, "https://id.example/x?token=t")
                    .unwrap();
                for part in [&texts.text, &texts.html] {
                    assert!(
                        part.contains(&notice.name) && part.contains("sample"),
                        "{part}"
                    );
                    assert!(part.contains(&notice.token), "{part}");
                    assert!(!part.contains("{{") && !part.contains("#}"), "{part}");
                }
                assert!(texts.text.contains("https://id.example/x?token=t\n"));
                texts.subject
            });
            assert_ne!(subjects[0], subjects[1]);
        }
    }

    #[test]
    fn escapes_names_in_html_and_not_in_text() {
        let templates = MailTemplates::load(None).unwrap();
        let texts = templates
            .write(&hostile("<b>Ági</b> & \"x\""), "https://id.example")
            .unwrap();
        assert!(texts.text.contains("Kedves <b>Ági</b> & \"x\"!\n"));
        assert!(!texts.html.contains("<b>"), "{}", texts.html);
        assert!(texts.html.contains("&lt;b&gt;Ági&lt;"), "{}", texts.html);
    }

    #[test]
    fn replaces_line_breaks_in_names_by_blanks() {
        let folder = tempfile::tempdir().unwrap();
        let own = "Subject: {{ user_name }}\n\n{{ name }}, {{ token }}\n";
        fs::write(folder.path().join("activation.hu.txt"), own).unwrap();
        let templates = MailTemplates::load(Some(folder.path())).unwrap();
        for breaks in [
            "\r\n", "\n", "\r", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\0",
        ] {
            let name = format!("Ági{breaks}Bcc: x@y.hu");
            let texts = templates.write(&hostile(&name), "").unwrap();
            assert!(!has_control(&texts.subject), "{:?}", texts.subject);
            assert!(
                texts.subject.ends_with("Bcc: x@y.hu"),
                "{:?}",
                texts.subject
            );
            assert!(texts.text.starts_with("Ági "), "{:?}", texts.text);
        }
        let long = templates.write(&hostile(&"ő".repeat(5000)), "").unwrap();
        assert_eq!(long.subject.chars().count(), MAX_SUBJECT);
    }

    #[test]
    fn prefers_files_of_the_folder_and_keeps_them_after_a_faulty_reload() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("activation.hu.txt");
        fs::write(&path, "Subject: Sajat\r\n\r\nSzia {{ name }}!").unwrap();
        let templates = MailTemplates::load(Some(folder.path())).unwrap();
        let write = |topic| {
            templates
                .write(&sample(topic, false, "a@b.hu"), "")
                .unwrap()
        };
        let texts = write(Topic::Activation);
        assert_eq!(
            (texts.subject.as_str(), texts.text.as_str()),
            ("Sajat", "Szia Minta Ágnes!\n")
        );
        assert!(texts.html.contains("Erősítsd meg"));
        assert_eq!(write(Topic::PasswordReset).subject, "Új jelszó beállítása");
        fs::write(&path, "Subject: {{ oops }}\n").unwrap();
        assert!(templates.reload().is_err());
        assert_eq!(
            write(Topic::Activation).subject,
            "Sajat",
            "the template in use stays"
        );
        fs::remove_file(&path).unwrap();
        templates.reload().unwrap();
        assert_eq!(
            write(Topic::Activation).subject,
            "Regisztráció megerősítése"
        );
    }

    #[test]
    fn reports_each_faulty_template_by_its_file_name() {
        for (name, text, message) in [
            (
                "activation.hu.txt",
                "Subject: a\n{{ nam }}",
                "there is no nam",
            ),
            (
                "activation.hu.html",
                "{% if false %}{{ nam }}{% endif %}",
                "there is no nam",
            ),
            (
                "activation.en.txt",
                "Hello {{ name }}",
                "the first line must be",
            ),
            (
                "activation.en.txt",
                "Subject: \n\nHello",
                "the first line must be",
            ),
            (
                "activation.en.txt",
                "Subject: For {{ name }}\n\nHello",
                "the subject must not show the name",
            ),
            ("activation.en.html", "{{ name", "syntax error"),
            (
                "activation.en.html",
                "{% include 'x.html' %}",
                "template not found",
            ),
            (
                "password-reset.en.html",
                "{{ name|shout }}",
                "unknown filter",
            ),
            ("pasword-reset.en.html", "", "belongs to no mail"),
        ] {
            let folder = tempfile::tempdir().unwrap();
            fs::write(folder.path().join(name), text).unwrap();
            let wrong = MailTemplates::load(Some(folder.path())).unwrap_err();
            assert_eq!(wrong.len(), 1, "{wrong:?}");
            assert!(
                wrong[0].contains(name) && wrong[0].contains(message),
                "{wrong:?}"
            );
        }
        let missing = Path::new("/nonexistent/folder");
        assert_eq!(MailTemplates::load(Some(missing)).unwrap_err().len(), 1);
    }

    #[test]
    fn accepts_the_written_built_in_templates_and_keeps_existing_files() {
        let folder = tempfile::tempdir().unwrap();
        let mails = folder.path().join("mails");
        assert_eq!(
            write_templates(&mails, false).unwrap().len(),
            TEMPLATES.len()
        );
        fs::write(mails.join("activation.hu.txt"), "Subject: x\n").unwrap();
        assert!(write_templates(&mails, false).unwrap().is_empty());
        MailTemplates::load(Some(&mails)).unwrap();
        assert_eq!(
            write_templates(&mails, true).unwrap().len(),
            TEMPLATES.len()
        );
    }
}
