//! Reads values of settings one by one, and collects the mistakes.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::sources::{SettingError, Values};
use super::table::TABLE;

/// The values of one run, and the mistakes found so far.
pub(super) struct Reader<'a> {
    values: &'a Values,
    pub mistakes: Vec<SettingError>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(values: &'a Values, mistakes: Vec<SettingError>) -> Self {
        Self { values, mistakes }
    }

    /// The given value as text, or the default value.
    pub(super) fn text(&self, name: &str) -> String {
        let default = || TABLE.iter().find(|s| s.name == name).map(|s| s.default);
        let given = self.values.get(name).map(String::as_str);
        given.or_else(default).unwrap_or_default().to_owned()
    }

    /// The value as a text; `None` if it is empty.
    pub(super) fn optional(&self, name: &str) -> Option<String> {
        Some(self.text(name)).filter(|text| !text.is_empty())
    }

    /// The value, if `parse` accepts it. Otherwise notes a mistake with `rule`, such as "must be an IP address".
    pub(super) fn parsed<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl FnOnce(&str) -> Option<T>,
    ) -> Option<T> {
        let text = self.text(name);
        let value = parse(&text);
        if value.is_none() {
            self.wrong(name, &text, rule);
        }
        value
    }

    /// The entries of a comma-separated list that `parse` accepts. The others are mistakes.
    pub(super) fn list<T>(
        &mut self,
        name: &str,
        rule: &str,
        parse: impl Fn(&str) -> Option<T>,
    ) -> Vec<T> {
        let text = self.text(name);
        let mut values = Vec::new();
        for entry in text.split(',').map(str::trim).filter(|e| !e.is_empty()) {
            match parse(entry) {
                Some(value) => values.push(value),
                None => self.wrong(name, entry, rule),
            }
        }
        values
    }

    /// A whole number of this range.
    pub(super) fn number<T: TryFrom<u64> + Default>(
        &mut self,
        name: &str,
        range: RangeInclusive<u64>,
    ) -> T {
        let (least, most) = (range.start(), range.end());
        let rule = format!("must be a whole number from {least} to {most}");
        let number = self.parsed(name, &rule, |text| {
            let number = text.parse().ok().filter(|n| range.contains(n))?;
            T::try_from(number).ok()
        });
        number.unwrap_or_default()
    }

    /// The number as a duration, for a setting in seconds.
    pub(super) fn seconds(&mut self, name: &str, range: RangeInclusive<u64>) -> Duration {
        Duration::from_secs(self.number(name, range))
    }

    /// The value that belongs to the setting's word, which must be one of `words`.
    pub(super) fn one_of<T: Copy>(&mut self, name: &str, words: &[(&str, T)]) -> Option<T> {
        let names: Vec<&str> = words.iter().map(|(word, _)| *word).collect();
        let (last, others) = names.split_last()?;
        let rule = format!("must be {} or {last}", others.join(", "));
        self.parsed(name, &rule, |text| {
            let found = words.iter().find(|(word, _)| *word == text);
            found.map(|(_, meaning)| *meaning)
        })
    }

    /// Notes a mistake: the value and the rule that it breaks.
    pub(super) fn wrong(&mut self, name: &str, text: &str, rule: &str) {
        let mistake = format!("{name} = {text:?} {rule}");
        self.mistakes.push(SettingError(mistake));
    }
}
