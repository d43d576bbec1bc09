//! The SOAP contract: the committed files equal the printed ones, and released ones are only extended.

use std::collections::BTreeMap;

use chaingun_gateway::contract::wsdl::{self, Schema};
use chaingun_gateway::operations::soap_entries;

use crate::harness::{Gateway, element, envelope};

#[test]
fn prints_the_committed_wsdl_and_xsd() {
    let entries = soap_entries();
    let address = "http://localhost:8080/hammy/ws/user/v1";
    let stale = "stale: run `cargo run -- contract print --write` and read the difference";
    assert!(
        wsdl::wsdl(
            &entries,
            address,
            Schema::At("../schema/xsd/ChaingunUserAPI.xsd")
        ) == include_str!("../../wsdl/ChaingunUserAPI.wsdl"),
        "{stale}"
    );
    assert!(
        wsdl::xsd(&entries) == include_str!("../../schema/xsd/ChaingunUserAPI.xsd"),
        "{stale}"
    );
}

#[test]
fn publishes_exactly_the_eight_soap_operations() {
    let names: Vec<_> = soap_entries().iter().map(|e| e.name).collect();
    assert_eq!(
        names,
        [
            "findUsers",
            "showUser",
            "createUser",
            "modifyUser",
            "registerUser",
            "resetPassword",
            "changePassword",
            "authenticate"
        ]
    );
}

#[test]
fn serves_the_contract_with_the_address_of_the_request() {
    let gateway = Gateway::demo();
    let wsdl = gateway.get("/hammy/ws/user/v1?wsdl");
    assert_eq!(wsdl.status, 200);
    assert!(
        wsdl.body
            .contains("<soap:address location=\"http://gateway.test/hammy/ws/user/v1\"/>")
    );
    assert!(
        wsdl.body
            .contains("schemaLocation=\"http://gateway.test/hammy/ws/user/v1?xsd=1\"")
    );
    let xsd = gateway.get("/hammy/ws/user/v1?xsd=1");
    assert_eq!(
        xsd.body,
        include_str!("../../schema/xsd/ChaingunUserAPI.xsd")
    );
    assert_eq!(gateway.get("/healthz").body, "ok\n");
    assert_eq!(gateway.get("/readyz").body, "ready\n");
}

#[test]
fn prints_a_schema_of_named_types_whose_content_is_a_sequence() {
    let xsd = include_str!("../../schema/xsd/ChaingunUserAPI.xsd");
    assert!(!xsd.contains("<xs:all") && !xsd.contains("<xs:choice"));
    for line in xsd.lines().map(str::trim) {
        if line.starts_with("<xs:complexType") {
            assert!(attribute(line, "name").is_some(), "{line}");
        } else if line.starts_with("<xs:element") {
            let kind = attribute(line, "type").unwrap_or_else(|| panic!("{line}"));
            // The entries of text lists have the type xs:string, without a maximum length.
            let repeats = attribute(line, "maxOccurs").is_some();
            assert!(!repeats || !kind.starts_with("tns:Text"), "{line}");
        }
    }
    for operation in soap_entries() {
        let element = format!(
            "<xs:element name=\"{0}\" type=\"tns:{0}\"/>",
            operation.name
        );
        assert!(xsd.contains(&element), "{element}");
        let wrapper = format!(
            "<xs:complexType name=\"{}\">\n    <xs:sequence>\n      <xs:element name=\"request\" type=\"tns:{}\"/>\n",
            operation.name, operation.request.name
        );
        assert!(
            xsd.contains(&wrapper),
            "Axis 1.4 cannot unwrap a type with an annotation: {wrapper}"
        );
    }
}

#[test]
fn prints_flat_lists_except_in_requests_messages_and_user_roles() {
    let now = types(include_str!("../../schema/xsd/ChaingunUserAPI.xsd"));
    let mut wrapped = Vec::new();
    for (name, rows) in &now {
        for row in rows {
            let kind = row[1].as_deref().unwrap_or("").trim_start_matches("tns:");
            let is_list = |rows: &Vec<Vec<Option<String>>>| rows.len() == 1 && rows[0][3].is_some();
            if now.get(kind).is_some_and(is_list) {
                wrapped.push(format!("{name}/{}", row[0].as_deref().unwrap()));
            }
        }
    }
    assert_eq!(
        wrapped,
        [
            "AuthenticateRequest_V1/params",
            "FindUsersRequest_V1/clientNames",
            "FindUsersRequest_V1/statuses",
            "RequestMeta_V1/params",
            "ResponseStatus_V1/messages",
            "UserChange_V1/roles",
            "UserData_V1/roles",
        ]
    );
}

#[test]
fn answers_find_users_without_hits_by_a_total_and_no_user() {
    let gateway = Gateway::demo();
    let reply = gateway.soap(&envelope("findUsers", "<userName>nobody</userName>"));
    let answer = "<response><status><code>0</code><messages/></status><total>0</total></response>";
    assert!(reply.body.contains(answer), "{reply:?}");
}

#[test]
fn reads_request_parameters_flat_and_wrapped() {
    let gateway = Gateway::demo();
    let param = "<key>USER_ORG_UUID</key><value>moby</value>";
    for params in [
        format!("<params><param>{param}</param></params>"),
        format!("<params>{param}</params>"),
        format!("<params><key>OTHER</key><value>x</value></params><params>{param}</params>"),
    ] {
        let login =
            "<userNameOrEmail>hakapeszimaki</userNameOrEmail><password>passWORD123</password>";
        let reply = gateway.soap(&envelope("authenticate", &format!("{login}{params}")));
        assert_eq!(
            element(&reply.body, "code"),
            Some("0"),
            "{params} {reply:?}"
        );
    }
}

/// The value of an attribute in a printed line.
fn attribute<'a>(line: &'a str, name: &str) -> Option<&'a str> {
    line.split(&format!(" {name}=\"")).nth(1)?.split('"').next()
}

/// The elements of each named type of a printed schema, and the length of each text type.
fn types(xsd: &str) -> BTreeMap<String, Vec<Vec<Option<String>>>> {
    let mut types = BTreeMap::new();
    let mut current = String::new();
    // Skip the elements of operations at the beginning, which only refer to types.
    let named = xsd.find("<xs:complexType name=").unwrap();
    for line in xsd[named..].lines().map(str::trim) {
        let is = |what: &str| line.starts_with(&format!("<xs:{what} "));
        if is("complexType") || is("simpleType") {
            current = attribute(line, "name").unwrap().to_owned();
            types.insert(current.clone(), Vec::new());
        } else if is("element") || is("maxLength") {
            let row = ["name", "type", "minOccurs", "maxOccurs", "value"];
            let row = row.map(|a| attribute(line, a).map(str::to_owned)).to_vec();
            types.get_mut(&current).unwrap().push(row);
        }
    }
    types
}

#[test]
fn keeps_every_released_element_and_adds_only_optional_ones() {
    let released = types(include_str!("../../schema/released/v1/ChaingunUserAPI.xsd"));
    let now = types(include_str!("../../schema/xsd/ChaingunUserAPI.xsd"));
    assert!(
        released.len() > 20 && released["User_V1"].len() == 7,
        "{released:#?}"
    );
    for (name, rows) in &released {
        let mut since = now
            .get(name)
            .unwrap_or_else(|| panic!("{name} is gone"))
            .iter();
        for row in rows {
            // An element that is newer than the release must be optional: old clients do not send it.
            loop {
                let next = since
                    .next()
                    .unwrap_or_else(|| panic!("{name}: {row:?} is gone or has moved"));
                if next == row {
                    break;
                }
                let optional = next[2].as_deref() == Some("0");
                assert!(optional, "{name}: {next:?} is new and must be optional");
            }
        }
    }
    let operations = |wsdl: &str| -> Vec<String> {
        let lines = wsdl.lines().map(|l| l.trim().to_owned());
        lines
            .filter(|l| {
                [
                    "<wsdl:operation",
                    "<wsdl:port",
                    "<wsdl:service",
                    "<wsdl:part",
                ]
                .iter()
                .any(|t| l.starts_with(t))
            })
            .collect()
    };
    let now = operations(include_str!("../../wsdl/ChaingunUserAPI.wsdl"));
    for line in operations(include_str!("../../wsdl/released/v1/ChaingunUserAPI.wsdl")) {
        assert!(now.contains(&line), "{line} is gone");
    }
}
