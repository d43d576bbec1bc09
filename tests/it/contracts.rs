//! Contracts of older installations: the gateway serves their WSDL and speaks their messages.

use chaingun_gateway::soap::{Contract, Names};

use crate::cli::Shell;
use crate::harness::{Gateway, Speaker};

const FLAT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/it/contracts/flat.wsdl");
const WRAPPED: &str = concat!(
    env!("CARGO_MANIFEST_DIR"),
    "/tests/it/contracts/wrapped.wsdl"
);

/// A gateway with both contracts, at /old/flat and /old/wrapped.
fn gateway() -> Gateway {
    let contracts = format!("/old/flat={FLAT}, /old/wrapped={WRAPPED}");
    Gateway::with(&[("soap.contracts", &contracts)])
}

/// The content of the Body of the answer to an envelope with this content of its Body.
fn body(gateway: &Speaker, path: &str, body: &str) -> String {
    let envelope = format!(
        "<e:Envelope xmlns:e=\"http://schemas.xmlsoap.org/soap/envelope/\"><e:Header/><e:Body>{body}</e:Body></e:Envelope>"
    );
    let head = format!(
        "POST {path} HTTP/1.1\r\nHost: gateway.test\r\nConnection: close\r\nContent-Type: text/xml; charset=utf-8\r\n\
         Accept-Language: en\r\nContent-Length: {}\r\n\r\n{envelope}",
        envelope.len()
    );
    let answer = gateway.raw(head.as_bytes()).body;
    let (_, rest) = answer.split_once("<S:Body>").unwrap_or(("", &answer));
    let (inside, _) = rest.split_once("</S:Body>").unwrap_or((rest, ""));
    inside.to_owned()
}

/// The answer of an operation of the flat contract; `fields` are the children of `<order>`.
fn flat(gateway: &Speaker, operation: &str, fields: &str) -> String {
    let meta = "<requestMeta><clientHashKey>demo-hash-key</clientHashKey></requestMeta>";
    let request = format!(
        "<l:{operation} xmlns:l=\"urn:legacy:users\"><order>{meta}{fields}</order></l:{operation}>"
    );
    let answer = body(gateway, "/old/flat", &request);
    let root = format!("<ns2:{operation}Response xmlns:ns2=\"urn:legacy:users\"><outcome>");
    assert!(answer.starts_with(&root), "{answer}");
    let inside = answer.strip_prefix(&root).unwrap();
    let end = format!("</outcome></ns2:{operation}Response>");
    inside.strip_suffix(&end).unwrap().to_owned()
}

/// The same for the wrapped contract.
fn wrapped(gateway: &Speaker, operation: &str, fields: &str) -> String {
    let meta = "<requestMeta><clientHashKey>demo-hash-key</clientHashKey></requestMeta>";
    let request = format!(
        "<{operation} xmlns=\"http://legacy.example/users\"><arg0 xmlns=\"\">{meta}{fields}</arg0></{operation}>"
    );
    let answer = body(gateway, "/old/wrapped", &request);
    let root =
        format!("<ns2:{operation}Response xmlns:ns2=\"http://legacy.example/users\"><return>");
    assert!(answer.starts_with(&root), "{answer}");
    let inside = answer.strip_prefix(&root).unwrap();
    let end = format!("</return></ns2:{operation}Response>");
    inside.strip_suffix(&end).unwrap().to_owned()
}

const OK: &str = "<status><code>0</code></status>";
const OK_WRAPPED: &str = "<status><code>0</code><messages></messages></status>";

#[test]
fn answers_every_operation_under_the_names_of_a_flat_wsdl() {
    let gateway = gateway();
    let call = |operation: &str, fields: &str| flat(&gateway, operation, fields);
    let moka = "<userName>mokamiki</userName><name>Móka Miklós</name><email>moka.miklos@dbx.hu</email>\
                <organizationalUnit>zsebtv</organizationalUnit><status>ACTIVE</status><clientName>Default</clientName>\
                <roles>majomidomar</roles><roles>csokidealer</roles>";
    assert_eq!(
        call("showUser", "<userName>mokamiki</userName>"),
        format!("{OK}<user>{moka}</user>")
    );
    assert_eq!(
        call(
            "findUsers",
            "<userName>mokamiki</userName><statuses>ACTIVE</statuses><statuses>INACTIVE</statuses>"
        ),
        format!("{OK}<total>1</total><users>{moka}</users>")
    );
    assert_eq!(
        call("findUsers", "<userName>nobody</userName>"),
        format!("{OK}<total>0</total>")
    );
    let created = call(
        "createUser",
        "<user><userName>old</userName><name>Old &amp; Gray</name><email>old@dbx.hu</email><roles>a</roles><roles>b</roles></user>",
    );
    let person = "<userName>old</userName><name>Old &amp; Gray</name><email>old@dbx.hu</email>";
    assert!(
        created.starts_with(&format!("{OK}<user>{person}<status>UNACTIVATED</status>")),
        "{created}"
    );
    let modified = call(
        "modifyUser",
        "<user><userName>old</userName><roles>c</roles><roles>d</roles></user>",
    );
    assert!(
        modified.contains("<roles>c</roles><roles>d</roles>"),
        "{modified}"
    );
    let registered = call(
        "registerUser",
        "<username>older</username><password>ValaKi1234</password><name>Older</name><email>older@dbx.hu</email>",
    );
    assert_eq!(registered, OK);
    assert_eq!(
        call("resetPassword", "<userNameOrEmail>old</userNameOrEmail>"),
        OK
    );
    let change = "<userName>mokamiki</userName><oldPassword>MokaMiki-1234</oldPassword><password>MokaMiki-4321</password>";
    assert_eq!(call("changePassword", change), OK);
    let signed_in = call(
        "authenticate",
        "<userNameOrEmail>hakapeszimaki</userNameOrEmail><password>passWORD123</password>\
         <params><key>OTHER</key><value>x</value></params><params><key>USER_ORG_UUID</key><value>moby</value></params>",
    );
    assert!(
        signed_in.starts_with(&format!("{OK}<params><key>P_AUTH_TOKEN</key><value>JWT ")),
        "{signed_in}"
    );
}

#[test]
fn answers_every_operation_under_the_names_of_a_wrapped_wsdl() {
    let gateway = gateway();
    let call = |operation: &str, fields: &str| wrapped(&gateway, operation, fields);
    let moka = "<clientName>Default</clientName><email>moka.miklos@dbx.hu</email><name>Móka Miklós</name>\
                <organizationalUnit>zsebtv</organizationalUnit><status>ACTIVE</status><userName>mokamiki</userName>\
                <roles><role>majomidomar</role><role>csokidealer</role></roles>";
    assert_eq!(
        call("showUser", "<userName>mokamiki</userName>"),
        format!("{OK_WRAPPED}<user>{moka}</user>")
    );
    let statuses = "<statuses><status>ACTIVE</status><status>INACTIVE</status></statuses>";
    assert_eq!(
        call(
            "findUsers",
            &format!("<userName>mokamiki</userName>{statuses}")
        ),
        format!("{OK_WRAPPED}<total>1</total><users><user>{moka}</user></users>")
    );
    let created = call(
        "createUser",
        "<user><email>old@dbx.hu</email><name>Old</name><userName>old</userName><roles><role>a</role></roles></user>",
    );
    assert!(created.contains("<userName>old</userName>"), "{created}");
    let modified = call(
        "modifyUser",
        "<user><userName>old</userName><roles><role>c</role><role>d</role></roles></user>",
    );
    assert!(
        modified.contains("<roles><role>c</role><role>d</role></roles>"),
        "{modified}"
    );
    let registered = call(
        "registerUser",
        "<username>older</username><password>ValaKi1234</password><name>Older</name><email>older@dbx.hu</email>",
    );
    assert_eq!(registered, OK_WRAPPED);
    assert_eq!(
        call("resetPassword", "<userNameOrEmail>old</userNameOrEmail>"),
        OK_WRAPPED
    );
    let change = "<userName>mokamiki</userName><oldPassword>MokaMiki-1234</oldPassword><password>MokaMiki-4321</password>";
    assert_eq!(call("changePassword", change), OK_WRAPPED);
    let signed_in = call(
        "authenticate",
        "<userNameOrEmail>hakapeszimaki</userNameOrEmail><password>passWORD123</password>\
         <params><entry><key>USER_ORG_UUID</key><value>moby</value></entry></params>",
    );
    let token = format!("{OK_WRAPPED}<params><entry><key>P_AUTH_TOKEN</key><value>JWT ");
    assert!(signed_in.starts_with(&token), "{signed_in}");
}

#[test]
fn writes_refusals_and_faults_under_both_contracts() {
    let gateway = gateway();
    let refused =
        "<status><code>2</code><messages><severity>ERROR</severity><code>USER_NOT_FOUND</code>";
    let answer = flat(&gateway, "showUser", "<userName>nobody</userName>");
    assert!(answer.starts_with(refused), "{answer}");
    let refused = "<status><code>2</code><messages><message><severity>ERROR</severity><code>USER_NOT_FOUND</code>";
    let answer = wrapped(&gateway, "showUser", "<userName>nobody</userName>");
    assert!(answer.starts_with(refused), "{answer}");
    let fault = body(
        &gateway,
        "/old/flat",
        "<l:erase xmlns:l=\"urn:legacy:users\"/>",
    );
    assert!(fault.starts_with("<S:Fault>"), "{fault}");
    assert!(fault.contains("NO_SUCH_OPERATION"), "{fault}");
    // An unreadable request is refused before its translation.
    let broken = body(
        &gateway,
        "/old/flat",
        "<l:showUser xmlns:l=\"urn:legacy:users\"><order></l:showUser>",
    );
    assert!(broken.contains("MALFORMED"), "{broken}");
}

#[test]
fn accepts_our_own_messages_at_the_path_of_a_contract() {
    let gateway = gateway();
    let ours = "<o:showUser xmlns:o=\"http://ws.service.user.api.chaingun.dbx.hu/\"><request><requestMeta>\
                <clientHashKey>demo-hash-key</clientHashKey></requestMeta><userName>mokamiki</userName></request></o:showUser>";
    let own = body(&gateway, "/hammy/ws/user/v1", ours);
    assert!(own.contains(
        "<ns2:showUserResponse xmlns:ns2=\"http://ws.service.user.api.chaingun.dbx.hu/\"><response>"
    ));
    assert_eq!(body(&gateway, "/old/flat", ours), own);
    let theirs = "<l:showUser xmlns:l=\"urn:legacy:users\"><order/></l:showUser>";
    assert!(body(&gateway, "/hammy/ws/user/v1", theirs).contains("NO_SUCH_OPERATION"));
    assert!(body(&gateway, "/old/wrapped", theirs).contains("NO_SUCH_OPERATION"));
}

#[test]
fn treats_nil_and_empty_elements_of_a_contract_as_absent() {
    let gateway = gateway();
    let nil = "xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\" xsi:nil=\"true\"";
    let fields = format!(
        "<userName>mokamiki</userName><name {nil}/><email></email><limit {nil}/><statuses {nil}/>"
    );
    for answer in [
        flat(&gateway, "findUsers", &fields),
        wrapped(&gateway, "findUsers", &fields),
    ] {
        assert!(answer.contains("<total>1</total>"), "{answer}");
    }
}

#[test]
fn serves_the_wsdl_of_a_contract_with_its_own_addresses() {
    let gateway = gateway();
    let get = |target: &str| gateway.get(target);
    let wsdl = get("/old/flat?wsdl");
    assert_eq!(wsdl.status, 200);
    assert!(wsdl.body.contains("<service name=\"LegacyUserService\">"));
    assert!(
        wsdl.body
            .contains("<soap:address location=\"http://gateway.test/old/flat\"/>"),
        "{}",
        wsdl.body
    );
    assert!(
        wsdl.body
            .contains("schemaLocation=\"http://gateway.test/old/flat?xsd=1\"")
    );
    let schema = get("/old/flat?xsd=1");
    let file = std::fs::read_to_string(FLAT.replace(".wsdl", ".xsd")).unwrap();
    let without_declaration = |text: &str| text.split_once("?>").unwrap().1.to_owned();
    assert_eq!(
        without_declaration(&schema.body),
        without_declaration(&file)
    );
    assert_eq!(get("/old/flat?xsd=2").status, 404);
}

/// The serious differences of the flat WSDL after these replacements in its schema.
fn serious(replacements: &[(&str, &str)], names: &Names) -> Vec<String> {
    let load = |location: &str| {
        let mut text = std::fs::read_to_string(location).map_err(|e| e.to_string())?;
        for (old, new) in replacements {
            text = text.replace(old, new);
        }
        Ok(text)
    };
    let contract = Contract::load("", FLAT, names, &load).unwrap();
    let serious = contract.differences.into_iter().filter(|d| d.is_serious);
    serious
        .map(|d| format!("{}: {}", d.place, d.text))
        .collect()
}

#[test]
fn lists_the_parts_of_a_wsdl_that_it_cannot_match() {
    let none = Names::new();
    assert_eq!(serious(&[], &none), Vec::<String>::new());
    let renamed = [
        ("\"showUser\"", "\"getUser\""),
        ("tns:showUser\"", "tns:getUser\""),
    ];
    let unknown = "getUser: the gateway has no such operation; if it has another name here, add OURS=THEIRS to soap.names";
    assert_eq!(serious(&renamed, &none), [unknown]);
    let names = vec![("showUser".to_owned(), "getUser".to_owned())];
    assert_eq!(serious(&renamed, &names), Vec::<String>::new());
    let born = [(
        "name=\"organizationalUnit\" type=\"xs:string\" minOccurs=\"0\"",
        "name=\"born\" type=\"xs:string\"",
    )];
    let found = serious(&born, &none).join("\n");
    assert!(found.contains("showUser answer/user/born: the gateway has no such field; answers have an empty element"), "{found}");
    let date = [(
        "name=\"status\" type=\"xs:string\"",
        "name=\"status\" type=\"xs:dateTime\"",
    )];
    let found = serious(&date, &none).join("\n");
    assert!(
        found.contains("showUser answer/user/status: is xs:dateTime in the WSDL"),
        "{found}"
    );
}

#[test]
fn refuses_a_wsdl_in_rpc_style_and_files_that_cannot_be_read() {
    let load = |text: String| move |_: &str| Ok::<_, String>(text.clone());
    let flat = std::fs::read_to_string(FLAT).unwrap();
    let rpc = flat.replace("style=\"document\"", "style=\"rpc\"");
    let refused = |result: Result<Contract, String>| result.err().unwrap_or_default();
    let none = Names::new();
    let why = refused(Contract::load(
        "",
        FLAT,
        &none,
        &|location: &str| match location.ends_with(".wsdl") {
            true => Ok(rpc.clone()),
            false => std::fs::read_to_string(location).map_err(|e| e.to_string()),
        },
    ));
    assert!(
        why.contains("has the style rpc; only document/literal is supported"),
        "{why}"
    );
    let why = refused(Contract::load("", "x.wsdl", &none, &load("<a".to_owned())));
    assert!(
        why.starts_with("x.wsdl: not a readable XML document"),
        "{why}"
    );
    let why = refused(Contract::load(
        "",
        "x.wsdl",
        &none,
        &load("<a/>".to_owned()),
    ));
    assert_eq!(why, "x.wsdl: the WSDL has no service");
    let why = refused(Contract::read("", "/nowhere/x.wsdl", &none));
    assert!(why.starts_with("/nowhere/x.wsdl: "), "{why}");
}

#[test]
fn prints_the_settings_for_a_wsdl_and_compares_it_with_the_served_one() {
    let gateway = gateway();
    let shell = Shell {
        data: gateway.data.path(),
        database: &gateway.database,
    };
    let adopted = shell.run(&["contract", "adopt", FLAT, "--path", "/old/flat"]);
    assert_eq!(adopted.code, 0, "{}", adopted.err);
    let settings = format!("[soap]\ncontracts = \"/old/flat={FLAT}\"\n");
    assert!(adopted.out.contains(&settings), "{}", adopted.out);
    assert!(adopted.out.contains("# findUsersResponse/users: flat\n"));
    let without_path = shell.run(&["contract", "adopt", FLAT]);
    assert_eq!(without_path.code, 1);
}
