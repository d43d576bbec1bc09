//! The kinds of refusals, and the one table of how each face encodes them (SPEC §7).

/// The encoding of a kind of refusal over SOAP.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SoapForm {
    /// An ordinary answer with this `status/code`.
    Status(i32),
    /// A fault with this code, written for SOAP 1.1 and 1.2.
    Fault(FaultCode),
    /// No envelope: this HTTP status with a line of text.
    Http(u16),
}

/// The fault codes of both SOAP versions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FaultCode {
    VersionMismatch,
    MustUnderstand,
    /// `Client` in SOAP 1.1, `Sender` in 1.2.
    Client,
    /// Like `Client`, with HTTP 413.
    ClientTooLarge,
    /// `Server` in SOAP 1.1, `Receiver` in 1.2, with HTTP 503 for a temporary condition.
    ServerBusy,
    /// `Server` in SOAP 1.1, `Receiver` in 1.2.
    Server,
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $kind:ident: $soap:expr, $rest:expr, $envelope:expr, $rpc:literal;)+) => {
        /// The kind of refusal that a message code belongs to. Each kind is one row of the table.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind { $($(#[$doc])* $kind,)+ }

        impl Kind {
            /// The table's column for SOAP.
            #[must_use]
            pub const fn soap(self) -> SoapForm {
                match self { $(Kind::$kind => $soap,)+ }
            }

            /// The table's column for REST: the HTTP status, and the `responseStatus/code` if an operation refused.
            #[must_use]
            pub const fn rest(self) -> (u16, Option<i32>) {
                match self { $(Kind::$kind => $rest,)+ }
            }

            /// The table's column for the directory and partners' sign-in: the HTTP status and its name in the envelope
            /// (SPEC §11).
            #[must_use]
            pub const fn envelope(self) -> (u16, &'static str) {
                match self { $(Kind::$kind => $envelope,)+ }
            }

            /// The table's column for JSON-RPC: the error code, which is either reserved by the protocol or defined by
            /// the gateway.
            #[must_use]
            pub const fn rpc(self) -> i32 {
                match self { $(Kind::$kind => $rpc,)+ }
            }
        }
    };
}

use FaultCode::{Client, ClientTooLarge, MustUnderstand, Server, ServerBusy, VersionMismatch};
use SoapForm::{Fault, Http, Status};

// A row: the kind, and its columns for SOAP, REST, the envelope and JSON-RPC.
kinds! {
    /// Invalid, missing, unknown or conflicting input, or a spent token.
    Invalid: Status(2), (422, Some(2)), (400, "CLIENT_ERROR"), -32602;
    /// The user belongs to several organisations and named none.
    Choice: Status(2), (422, Some(2)), (400, "CLIENT_ERROR"), -32602;
    NotFound: Status(2), (404, Some(2)), (404, "RESOURCE_NOT_FOUND"), -32011;
    /// Wrong credentials, or none.
    SignIn: Status(3), (401, Some(3)), (401, "UNAUTHORIZED"), -32001;
    Forbidden: Status(3), (403, Some(3)), (403, "FORBIDDEN"), -32003;
    Throttled: Status(3), (429, Some(3)), (429, "TOO_MANY_REQUESTS"), -32029;
    /// The document names another resource than the URL.
    Mismatch: Fault(Client), (409, None), (409, "CLIENT_ERROR"), -32600;
    Malformed: Fault(Client), (400, None), (400, "CLIENT_ERROR"), -32600;
    UnknownOperation: Fault(Client), (404, None), (404, "RESOURCE_NOT_FOUND"), -32601;
    VersionMismatch: Fault(VersionMismatch), (400, None), (400, "CLIENT_ERROR"), -32600;
    MustUnderstand: Fault(MustUnderstand), (400, None), (400, "CLIENT_ERROR"), -32600;
    MediaType: Http(415), (415, None), (415, "CLIENT_ERROR"), -32600;
    NotAcceptable: Http(406), (406, None), (406, "CLIENT_ERROR"), -32600;
    TooLarge: Fault(ClientTooLarge), (413, None), (413, "CLIENT_ERROR"), -32600;
    NotReady: Fault(ServerBusy), (503, Some(1)), (503, "SERVICE_UNAVAILABLE"), -32099;
    Internal: Fault(Server), (500, Some(1)), (500, "SERVER_ERROR"), -32603;
}
