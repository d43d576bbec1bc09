//! Rules of WS-I Basic Profile 1.1 that concern the gateway's WSDL, envelopes and faults. The comment above a test
//! names its rules.

use quick_xml::Reader;
use quick_xml::events::{BytesStart, Event};

use crate::harness::{Gateway, Reply, envelope};

const WSDL_PATH: &str = "/hammy/ws/user/v1?wsdl";

/// An element of a document: its depth, its name as written, and its attributes.
#[derive(Debug, Clone)]
struct Element {
    depth: usize,
    name: String,
    attributes: Vec<(String, String)>,
}

impl Element {
    fn new(depth: usize, start: &BytesStart<'_>) -> Self {
        let attributes = start.attributes().map(|a| {
            let a = a.unwrap();
            (a.key.as_ref().to_owned(), a.value.to_string())
        });
        Self {
            depth,
            name: start.name().as_ref().to_owned(),
            attributes: attributes.collect(),
        }
    }

    fn attribute(&self, name: &str) -> Option<&str> {
        let found = self.attributes.iter().find(|(found, _)| found == name);
        found.map(|(_, value)| value.as_str())
    }
}

/// The elements of a document in order. Fails for processing instructions and document types.
fn elements(xml: &str) -> Vec<Element> {
    let mut reader = Reader::from_str(xml);
    let (mut depth, mut found) = (0, Vec::new());
    loop {
        match reader.read_event().unwrap() {
            Event::Start(start) => {
                found.push(Element::new(depth, &start));
                depth += 1;
            }
            Event::Empty(start) => found.push(Element::new(depth, &start)),
            Event::End(_) => depth -= 1,
            Event::Eof => return found,
            other => assert!(!matches!(other, Event::PI(_) | Event::DocType(_)), "{xml}"),
        }
    }
}

/// The elements directly below the one at this position.
fn children(all: &[Element], parent: usize) -> Vec<&Element> {
    let depth = all[parent].depth;
    let below = all[parent + 1..].iter().take_while(|e| e.depth > depth);
    below.filter(|e| e.depth == depth + 1).collect()
}

/// The positions of the elements of this name.
fn positions(all: &[Element], name: &str) -> Vec<usize> {
    (0..all.len()).filter(|at| all[*at].name == name).collect()
}

fn names(elements: &[&Element]) -> Vec<String> {
    elements.iter().map(|e| e.name.clone()).collect()
}

/// R2022, R2023, R2030, R4002 and R4004: the order of the WSDL's elements, XML 1.0, and UTF-8.
#[test]
fn orders_the_elements_of_the_wsdl() {
    let gateway = Gateway::demo();
    for query in [WSDL_PATH, "/hammy/ws/user/v1?singleWsdl"] {
        let wsdl = gateway.get(query).body;
        assert!(wsdl.starts_with("<?xml version=\"1.0\" encoding=\"UTF-8\"?>"));
        let all = elements(&wsdl);
        assert!(all[0].attribute("targetNamespace").is_some());
        let mut order = names(&children(&all, 0));
        order.dedup();
        let expected = ["types", "message", "portType", "binding", "service"];
        assert_eq!(
            order,
            expected.map(|name| format!("wsdl:{name}")),
            "{query}"
        );
        for at in positions(&all, "wsdl:operation") {
            let mut order = names(&children(&all, at));
            order.retain(|name| name.starts_with("wsdl:") && name != "wsdl:documentation");
            order.truncate(2);
            assert_eq!(order, ["wsdl:input", "wsdl:output"], "{query}");
        }
    }
}

/// R2001, R2003, R2007 and R2105: the WSDL imports only a schema, inside a schema element, from a location.
#[test]
fn imports_the_schema_inside_the_types() {
    let gateway = Gateway::demo();
    let all = elements(&gateway.get(WSDL_PATH).body);
    assert!(positions(&all, "wsdl:import").is_empty());
    let schema = positions(&all, "xs:schema")[0];
    let imports = children(&all, schema);
    assert_eq!(names(&imports), ["xs:import"]);
    let location = imports[0].attribute("schemaLocation").unwrap();
    let path = location.strip_prefix("http://gateway.test").unwrap();
    let imported = elements(&gateway.get(path).body);
    assert_eq!(imported[0].name, "xs:schema");
    assert_eq!(
        imported[0].attribute("targetNamespace"),
        imports[0].attribute("namespace")
    );
}

/// R2201, R2204, R2304, R2710 and R2712: each message has one part, which names a global element, and no two operations
/// look alike on the wire.
#[test]
fn gives_each_message_one_part_with_a_global_element() {
    let gateway = Gateway::demo();
    let all = elements(&gateway.get("/hammy/ws/user/v1?singleWsdl").body);
    let schema = positions(&all, "xs:schema")[0];
    let global = children(&all, schema);
    let global = global.iter().filter(|e| e.name == "xs:element");
    let global: Vec<_> = global.flat_map(|e| e.attribute("name")).collect();
    let mut used = Vec::new();
    for at in positions(&all, "wsdl:message") {
        let parts = children(&all, at);
        assert_eq!(names(&parts), ["wsdl:part"]);
        assert_eq!(parts[0].attribute("type"), None);
        let element = parts[0].attribute("element").unwrap();
        let element = element.strip_prefix("tns:").unwrap();
        assert!(global.contains(&element), "{element}");
        assert!(!used.contains(&element), "{element} is used twice");
        used.push(element);
    }
    assert_eq!(used.len(), global.len());
}

/// R2401, R2701, R2702, R2705, R2706, R2718 and R2745: bindings are document/literal over HTTP with every operation of
/// the port type, and state a SOAPAction.
#[test]
fn binds_every_operation_as_document_literal_over_http() {
    let gateway = Gateway::demo();
    let all = elements(&gateway.get(WSDL_PATH).body);
    let operations = |parent: usize| -> Vec<String> {
        let children = children(&all, parent);
        let operations = children.iter().filter(|e| e.name == "wsdl:operation");
        operations
            .map(|e| e.attribute("name").unwrap().to_owned())
            .collect()
    };
    let port_types = positions(&all, "wsdl:portType");
    assert_eq!(port_types.len(), 1);
    let wanted = operations(port_types[0]);
    assert_eq!(wanted.len(), 8);
    let bindings = positions(&all, "wsdl:binding");
    assert_eq!(bindings.len(), 2);
    for (at, prefix) in bindings.into_iter().zip(["soap", "soap12"]) {
        assert_eq!(operations(at), wanted);
        let protocol = children(&all, at)[0];
        assert_eq!(protocol.name, format!("{prefix}:binding"));
        assert_eq!(protocol.attribute("style"), Some("document"));
        let http = "http://schemas.xmlsoap.org/soap/http";
        assert_eq!(protocol.attribute("transport"), Some(http));
        let depth = all[at].depth;
        let inside: Vec<_> = all[at + 1..]
            .iter()
            .take_while(|e| e.depth > depth)
            .collect();
        for element in inside {
            match element.name.strip_prefix(&format!("{prefix}:")) {
                Some("operation") => assert_eq!(element.attribute("soapAction"), Some("")),
                Some("body" | "fault") => assert_eq!(element.attribute("use"), Some("literal")),
                Some("binding") => {}
                _ => assert!(element.name.starts_with("wsdl:"), "{element:?}"),
            }
        }
    }
}

/// R2720, R2721, R2728, R2742 and R2754: faults of the binding are those of the port type, and have the same name in
/// both elements. SOAP 1.2 is outside the profile and declares none.
#[test]
fn declares_the_fault_in_the_port_type_and_for_soap_1_1() {
    let gateway = Gateway::demo();
    let all = elements(&gateway.get(WSDL_PATH).body);
    let faults = positions(&all, "wsdl:fault");
    assert_eq!(faults.len(), 16, "8 in the port type, 8 in the binding");
    for (nth, at) in faults.into_iter().enumerate() {
        assert_eq!(all[at].attribute("name"), Some("GatewayFault"));
        let bound = children(&all, at);
        if nth < 8 {
            assert_eq!(all[at].attribute("message"), Some("tns:GatewayFault"));
        } else {
            assert_eq!(names(&bound), ["soap:fault"]);
            assert_eq!(bound[0].attribute("name"), Some("GatewayFault"));
        }
    }
    assert!(positions(&all, "soap12:fault").is_empty());
}

/// Code generators make a class for each of these names and put all of them into one package.
#[test]
fn gives_service_ports_port_type_and_bindings_different_names() {
    let gateway = Gateway::demo();
    let all = elements(&gateway.get(WSDL_PATH).body);
    let named = |name: &str| -> Vec<&str> {
        let found = positions(&all, name).into_iter();
        found.flat_map(|at| all[at].attribute("name")).collect()
    };
    assert_eq!(named("wsdl:service"), ["ChaingunUserAPIService"]);
    let ports = ["ChaingunUserAPIPort", "ChaingunUserAPISoap12Port"];
    assert_eq!(named("wsdl:port"), ports);
    assert_eq!(named("wsdl:portType"), ["ChaingunUserAPI"]);
    let bindings = ["ChaingunUserAPIBinding", "ChaingunUserAPISoap12Binding"];
    assert_eq!(named("wsdl:binding"), bindings);
    // Some generators look up the input and the output of an operation by name.
    let outputs = named("wsdl:output");
    for (input, output) in named("wsdl:input").iter().zip(&outputs) {
        assert_eq!(format!("{input}Response"), **output);
    }
    assert_eq!(
        outputs.len(),
        24,
        "once in the port type, once in each binding"
    );
}

/// R9980, R1014, R1011, R1005, R1006, R1032, R1033 and R9701: the form of an envelope.
fn check_envelope(reply: &Reply) -> Vec<Element> {
    let declaration = "<?xml version=\"1.0\" encoding=\"UTF-8\"?>";
    assert!(reply.body.starts_with(declaration), "{reply:?}");
    assert_eq!(
        reply.header("Content-Type"),
        Some("text/xml; charset=utf-8")
    );
    let all = elements(&reply.body);
    assert_eq!(all[0].name, "S:Envelope");
    let soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
    assert_eq!(all[0].attribute("xmlns:S"), Some(soap11));
    assert_eq!(names(&children(&all, 0)), ["S:Body"]);
    let inside = children(&all, 1);
    assert_eq!(inside.len(), 1);
    assert!(inside[0].name.contains(':'), "{reply:?}");
    for element in &all {
        for (name, _) in &element.attributes {
            let is_declaration = name.starts_with("xmlns:") && name != "xmlns:xml";
            assert!(is_declaration, "{name}: {reply:?}");
        }
    }
    all
}

/// R1111 and R2729: an answer has status 200, and its element has the name of the operation followed by `Response`.
#[test]
fn answers_with_an_envelope_in_the_form_of_the_profile() {
    let gateway = Gateway::demo();
    for name in ["mokamiki", "nobody"] {
        let show = envelope("showUser", &format!("<userName>{name}</userName>"));
        let reply = gateway.soap(&show);
        assert_eq!(reply.status, 200);
        let all = check_envelope(&reply);
        assert_eq!(all[2].name, "ns2:showUserResponse");
        // Only the wrapper is qualified.
        assert!(all[3..].iter().all(|e| !e.name.contains(':')), "{reply:?}");
    }
}

/// R1000, R1001, R1004, R1031, R1126 and BP1701: a fault has unqualified children without attributes, a code of
/// SOAP 1.1 without dots, and HTTP 500.
#[test]
fn answers_faults_in_the_form_of_the_profile() {
    let gateway = Gateway::demo();
    let show = envelope("showUser", "<userName>a</userName>");
    let header = "<soapenv:Header><h:Unknown xmlns:h=\"urn:h\" soapenv:mustUnderstand=\"1\"/></soapenv:Header>\
                  <soapenv:Body>";
    let another = "http://schemas.xmlsoap.org/soap/another/";
    for (body, code, has_detail) in [
        ("<nonsense".to_owned(), "S:Client", true),
        (
            show.replace("showUser", "noSuchOperation"),
            "S:Client",
            true,
        ),
        (
            show.replacen("<soapenv:Body>", header, 1),
            "S:MustUnderstand",
            false,
        ),
        (
            show.replace("http://schemas.xmlsoap.org/soap/envelope/", another),
            "S:VersionMismatch",
            false,
        ),
    ] {
        let reply = gateway.soap(&body);
        assert_eq!(reply.status, 500, "{reply:?}");
        let all = check_envelope(&reply);
        assert_eq!(all[2].name, "S:Fault");
        let parts = children(&all, 2);
        let expected = ["faultcode", "faultstring", "detail"];
        let expected = &expected[..if has_detail { 3 } else { 2 }];
        assert_eq!(names(&parts), expected, "{reply:?}");
        assert!(parts.iter().all(|e| e.attributes.is_empty()));
        assert!(
            reply
                .body
                .contains(&format!("<faultcode>{code}</faultcode>")),
            "{reply:?}"
        );
    }
}

/// R1015, R1027, R1028, R1029 and R2725: VersionMismatch comes before MustUnderstand, and both come before any other
/// refusal. A request with such a fault has no effect.
#[test]
fn checks_version_and_header_before_the_operation_and_runs_nothing() {
    let gateway = Gateway::demo();
    let user =
        "<user><userName>karcsi</userName><name>Karcsi</name><email>karcsi@dbx.hu</email></user>";
    let header = "<soapenv:Header><h:Unknown xmlns:h=\"urn:h\" soapenv:mustUnderstand=\"1\"/></soapenv:Header>\
                  <soapenv:Body>";
    let create = envelope("createUser", user);
    let with_header = create.replacen("<soapenv:Body>", header, 1);
    let soap11 = "http://schemas.xmlsoap.org/soap/envelope/";
    for (body, code) in [
        (
            with_header.replace(soap11, "urn:another"),
            "VersionMismatch",
        ),
        (with_header.clone(), "MustUnderstand"),
        (
            with_header.replace("createUser", "noSuchOperation"),
            "MustUnderstand",
        ),
        (create.replace("createUser", "noSuchOperation"), "Client"),
    ] {
        let reply = gateway.soap(&body);
        assert_eq!(reply.status, 500, "{reply:?}");
        let code = format!("<faultcode>S:{code}</faultcode>");
        assert!(reply.body.contains(&code), "{code} {reply:?}");
    }
    let found = gateway.soap(&envelope("findUsers", "<userName>karcsi</userName>"));
    assert!(found.body.contains("<total>0</total>"), "{found:?}");
    let created = gateway.soap(&create);
    assert!(created.body.contains("<code>0</code>"), "{created:?}");
}

/// R1114, R1115, R1125 and R1126: statuses for another method, another media type, and a fault.
#[test]
fn answers_other_methods_and_media_types_with_their_http_status() {
    let gateway = Gateway::demo();
    let get = gateway.get("/hammy/ws/user/v1");
    assert_eq!((get.status, get.header("Allow")), (405, Some("POST")));
    let put = "PUT /hammy/ws/user/v1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";
    assert_eq!(gateway.raw(put.as_bytes()).status, 405);
    let show = envelope("showUser", "<userName>mokamiki</userName>");
    for media_type in ["multipart/related; type=\"text/xml\"", "application/json"] {
        assert_eq!(gateway.post(media_type, show.as_bytes()).status, 415);
    }
    assert_eq!(gateway.soap("<nonsense").status, 500);
}
