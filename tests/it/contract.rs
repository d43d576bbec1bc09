//! The printed contract and the committed files agree.

use chaingun_gateway::contract::wsdl;
use chaingun_gateway::operations::soap_entries;

use crate::harness::Gateway;

#[test]
fn published_files_are_fresh() {
    let entries = soap_entries();
    let address = "http://localhost:8080/hammy/ws/user/v1";
    let stale = "stale: run `cargo run -- contract print --write` and read the difference";
    assert!(
        wsdl::wsdl(&entries, address, "ChaingunUserAPI.xsd")
            == include_str!("../../wsdl/ChaingunUserAPI.wsdl"),
        "{stale}"
    );
    assert!(
        wsdl::xsd(&entries) == include_str!("../../wsdl/ChaingunUserAPI.xsd"),
        "{stale}"
    );
}

#[test]
fn exactly_the_eight_operations_are_published() {
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
fn the_contract_is_served_at_the_address_it_was_asked_for() {
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
    assert_eq!(xsd.body, include_str!("../../wsdl/ChaingunUserAPI.xsd"));
    assert_eq!(gateway.get("/healthz").body, "ok\n");
    assert_eq!(gateway.get("/readyz").body, "ready\n");
}
