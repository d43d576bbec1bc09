//! The printed contract and the committed files agree.

use chaingun_gateway::contract::wsdl;
use chaingun_gateway::operations::soap_entries;

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
