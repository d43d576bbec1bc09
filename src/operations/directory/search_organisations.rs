//! Searches organisations by ID, channel and external ID.

use crate::contract::field::{Field, Kind};
use crate::contract::json::{Json, JsonWriter};
use crate::contract::shape::{Structure as _, Value};
use crate::contract::xml::{ReadResult, XmlReader, XmlWriter};
use crate::operations::prelude::*;
use crate::store::organisations::{self, Organisation};

/// The number of organisations on a page without a limit.
const PAGE: i64 = 250;
/// The highest offset: pages far down a list cost time, and a search by ID needs none.
const MAX_OFFSET: i64 = 10_000;

shape! {
    /// The conditions of a search; absent conditions are not applied.
    pub struct OrganisationConditions = "DirectoryOrganisationConditions_V1" {
        /// The ID of the organisation.
        id: Option<String> = "id", alias = "identifier", max = 128;
        /// The channel.
        channel: Option<String> = "channel", alias = "provider", max = 128;
        /// The external ID in the channel, or in any channel.
        external_id: Option<String> = "externalId", max = 128;
    }
}

/// Conditions of which none is ignored: a search without one of its conditions would find too much.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Filters(pub OrganisationConditions);

impl Value for Filters {
    fn kind() -> Kind {
        OrganisationConditions::kind()
    }
    fn read_xml(&mut self, reader: &mut XmlReader<'_>, field: &'static Field) -> ReadResult {
        self.0.read_xml(reader, field)
    }
    fn read_json(&mut self, value: &Json, field: &'static Field, problems: &mut Problems) {
        if let Json::Object(members) = value {
            for (name, value) in members {
                let is_blank = value.text().is_some_and(|text| text.trim().is_empty());
                match OrganisationConditions::SHAPE.find(name) {
                    None => problems.note(field.name, Why::NoSuchParameter),
                    Some((_, condition)) if is_blank || *value == Json::Null => {
                        problems.note(condition.name, Why::WrongContent);
                    }
                    Some(_) => {}
                }
            }
        }
        if *value != Json::Null {
            self.0.read_json(value, field, problems);
        }
    }
    fn write_xml(&self, out: &mut XmlWriter, name: &str, field: &Field) {
        self.0.write_xml(out, name, field);
    }
    fn write_json(&self, out: &mut JsonWriter) {
        self.0.write_json(out);
    }
    fn is_missing(&self) -> bool {
        false
    }
}

shape! {
    /// A search for organisations.
    pub struct OrganisationSearchRequest = "DirectoryOrganisationSearchRequest_V1" {
        /// The conditions. An unknown condition is refused.
        filters: Filters = "filters";
        /// The maximum number of organisations in the answer: 250 unless given.
        limit: Number = "limit";
        /// The number of organisations to skip, at most 10000.
        offset: Number = "offset";
        /// A text to search for; it is refused, because only conditions are supported.
        query: Option<String> = "query", max = 128;
    }
}

shape! {
    /// An organisation as the directory shows it.
    pub struct FoundOrganisation = "DirectoryOrganisation_V1" {
        /// The channel in which externalId names the organisation.
        channel: Option<String> = "channel", max = 128;
        /// The external ID in the channel.
        external_id: Option<String> = "externalId", max = 128;
        /// The ID of the organisation.
        hash_tag_id: String = "hashTagId", max = 128, required;
        /// The ID of the organisation.
        id: String = "id", max = 128, required;
        /// The ID of the organisation.
        identifier: String = "identifier", max = 128, required;
        /// The name.
        org_name: String = "orgName", max = 128, required;
        /// The channel.
        provider: Option<String> = "provider", max = 128;
        /// Always 1, which means active.
        status: Number = "status", required;
    }
}

shape! {
    /// One page of the organisations that meet the conditions.
    pub struct OrganisationPage = "DirectoryOrganisationPage_V1" {
        /// The organisations, by ID.
        content: List<FoundOrganisation> = "content", item = "organisation";
        /// The number of all organisations that meet the conditions.
        count: Number = "count", required;
    }
}

shape! {
    /// The organisations found.
    pub struct FoundOrganisations = "DirectoryOrganisationsFound_V1" {
        /// One page of the organisations.
        response: OrganisationPage = "response", required;
    }
}

impl Request for OrganisationSearchRequest {
    type Answer = FoundOrganisations;
    const OPERATION: &'static Operation = &Operation::of::<Self>(
        "directorySearchOrganisations",
        AuditEvent::OrganisationsFound,
        "Searches organisations by ID, channel and external ID.",
    )
    .access(Access::TrustedOrAdmin)
    .directory(&[DirectoryRoute::new(
        "POST",
        "/org/v2/search",
        "api.org.search",
    )]);

    fn run(self, cx: &RequestContext<'_>) -> Result<FoundOrganisations> {
        if self.query.is_some() {
            return Err(refuse_invalid("query", Why::NoSuchParameter));
        }
        let max_page = cx.app.rules.max_page;
        let limit = self.limit.0.unwrap_or(PAGE.min(max_page));
        let offset = self.offset.0.unwrap_or(0);
        let mut problems = Problems::default();
        for (name, value, most) in [("limit", limit, max_page), ("offset", offset, MAX_OFFSET)] {
            if !(0..=most).contains(&value) {
                problems.note(name, Why::OutOfRange(0, most));
            }
        }
        refuse_all(problems)?;
        let OrganisationConditions {
            id,
            channel,
            external_id,
        } = &self.filters.0;
        let filter = organisations::Filter {
            uuid: id.as_deref(),
            channel: channel.as_deref(),
            external_id: external_id.as_deref(),
        };
        let (total, page) =
            cx.read(|c| organisations::search(c, filter, (offset, limit)).map_err(Refusal::from))?;
        Ok(FoundOrganisations {
            response: OrganisationPage {
                content: List(page.into_iter().map(shown).collect()),
                count: Number(Some(total)),
            },
        })
    }
}

fn shown(organisation: Organisation) -> FoundOrganisation {
    let Organisation {
        uuid,
        name,
        join_policy: _,
        channel,
        external_id,
    } = organisation;
    FoundOrganisation {
        provider: channel.clone(),
        channel,
        external_id,
        hash_tag_id: uuid.clone(),
        id: uuid.clone(),
        identifier: uuid,
        org_name: name,
        status: Number(Some(1)),
    }
}
