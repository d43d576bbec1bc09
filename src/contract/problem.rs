//! Codes, kinds and reasons of refusals, and the one table of how each face encodes them (SPEC §7).

/// The kind of refusal that a message code belongs to. Each kind is one row of the table, whose columns are
/// [`Kind::soap`], [`Kind::rest`], [`Kind::envelope`] and [`Kind::rpc`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Invalid, missing, unknown or conflicting input, or a spent token.
    Invalid,
    /// The user belongs to several organisations and named none.
    Choice,
    NotFound,
    /// Wrong credentials, or none.
    SignIn,
    Forbidden,
    Throttled,
    Malformed,
    UnknownOperation,
    VersionMismatch,
    MustUnderstand,
    MediaType,
    NotAcceptable,
    TooLarge,
    NotReady,
    Internal,
}

/// How SOAP encodes a kind of refusal.
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
    /// The same with HTTP 413.
    ClientTooLarge,
    /// `Server` in SOAP 1.1, `Receiver` in 1.2, with HTTP 503 for a passing condition.
    ServerBusy,
    /// `Server` in SOAP 1.1, `Receiver` in 1.2.
    Server,
}

impl Kind {
    /// The table's column for SOAP. There is no catch-all row, so a new kind must state its encoding.
    #[must_use]
    pub const fn soap(self) -> SoapForm {
        use SoapForm::{Fault, Http, Status};
        match self {
            Kind::Invalid | Kind::Choice | Kind::NotFound => Status(2),
            Kind::SignIn | Kind::Forbidden | Kind::Throttled => Status(3),
            Kind::Malformed | Kind::UnknownOperation => Fault(FaultCode::Client),
            Kind::VersionMismatch => Fault(FaultCode::VersionMismatch),
            Kind::MustUnderstand => Fault(FaultCode::MustUnderstand),
            Kind::MediaType => Http(415),
            Kind::NotAcceptable => Http(406),
            Kind::TooLarge => Fault(FaultCode::ClientTooLarge),
            Kind::NotReady => Fault(FaultCode::ServerBusy),
            Kind::Internal => Fault(FaultCode::Server),
        }
    }

    /// The table's column for REST: the HTTP status, and the `responseStatus/code` if an operation refused.
    #[must_use]
    pub const fn rest(self) -> (u16, Option<i32>) {
        match self {
            Kind::Invalid | Kind::Choice => (422, Some(2)),
            Kind::NotFound => (404, Some(2)),
            Kind::SignIn => (401, Some(3)),
            Kind::Forbidden => (403, Some(3)),
            Kind::Throttled => (429, Some(3)),
            Kind::Malformed | Kind::VersionMismatch | Kind::MustUnderstand => (400, None),
            Kind::UnknownOperation => (404, None),
            Kind::MediaType => (415, None),
            Kind::NotAcceptable => (406, None),
            Kind::TooLarge => (413, None),
            Kind::NotReady => (503, Some(1)),
            Kind::Internal => (500, Some(1)),
        }
    }
}

impl Kind {
    /// The table's column for the directory and partners' sign-in: the HTTP status and its name in the envelope
    /// (SPEC §11).
    #[must_use]
    pub const fn envelope(self) -> (u16, &'static str) {
        match self {
            Kind::Invalid
            | Kind::Choice
            | Kind::Malformed
            | Kind::VersionMismatch
            | Kind::MustUnderstand => (400, "CLIENT_ERROR"),
            Kind::SignIn => (401, "UNAUTHORIZED"),
            Kind::Forbidden => (403, "FORBIDDEN"),
            Kind::NotFound | Kind::UnknownOperation => (404, "RESOURCE_NOT_FOUND"),
            Kind::NotAcceptable => (406, "CLIENT_ERROR"),
            Kind::TooLarge => (413, "CLIENT_ERROR"),
            Kind::MediaType => (415, "CLIENT_ERROR"),
            Kind::Throttled => (429, "TOO_MANY_REQUESTS"),
            Kind::Internal => (500, "SERVER_ERROR"),
            Kind::NotReady => (503, "SERVICE_UNAVAILABLE"),
        }
    }
}

impl Kind {
    /// The table's column for JSON-RPC: the error code, reserved by the protocol or our own.
    #[must_use]
    pub const fn rpc(self) -> i32 {
        match self {
            Kind::Malformed
            | Kind::VersionMismatch
            | Kind::MustUnderstand
            | Kind::MediaType
            | Kind::NotAcceptable
            | Kind::TooLarge => -32600,
            Kind::UnknownOperation => -32601,
            Kind::Invalid | Kind::Choice => -32602,
            Kind::Internal => -32603,
            Kind::SignIn => -32001,
            Kind::Forbidden => -32003,
            Kind::NotFound => -32011,
            Kind::Throttled => -32029,
            Kind::NotReady => -32099,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $text:literal => $kind:ident;)+) => {
        /// Every message code a client can meet. Old codes are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The published spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $text,)+ }
            }

            /// The row of the table that it belongs to.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)+ }
            }
        }
    };
}

codes! {
    /// A field has an invalid value.
    InvalidField = "INVALID_FIELD" => Invalid;
    /// A required field is absent or empty.
    MissingField = "MISSING_FIELD" => Invalid;
    /// The operation does not have this field; refused if the settings say so.
    UnknownField = "UNKNOWN_FIELD" => Invalid;
    /// The user name is taken.
    UserAlreadyExists = "USER_ALREADY_EXISTS" => Invalid;
    /// The e-mail address is taken.
    EmailAlreadyExists = "EMAIL_ALREADY_EXISTS" => Invalid;
    /// Another user has this ID in the service.
    IdInServiceTaken = "ID_IN_SERVICE_TAKEN" => Invalid;
    /// The one-time token is unknown, used, replaced or expired.
    TokenInvalidOrExpired = "TOKEN_INVALID_OR_EXPIRED" => Invalid;
    /// The new password does not satisfy the rules.
    WeakPassword = "WEAK_PASSWORD" => Invalid;
    /// From the specification's samples; comes with the parameter `GRANTED_ORGS`.
    UnspecifiedOrganizationForUser = "UNSPECIFIED_ORGANIZATION_FOR_USER" => Choice;
    /// The user does not exist, or the caller may not see it.
    UserNotFound = "USER_NOT_FOUND" => NotFound;
    /// The organisation does not exist, or the caller may not join it.
    OrganizationNotFound = "ORGANIZATION_NOT_FOUND" => NotFound;
    ServiceNotFound = "SERVICE_NOT_FOUND" => NotFound;
    AgreementNotFound = "AGREEMENT_NOT_FOUND" => NotFound;
    /// Unknown user or wrong password. One code, so that it does not reveal which.
    BadCredentials = "BAD_CREDENTIALS" => SignIn;
    /// The operation needs a user token and none was sent.
    AuthenticationRequired = "AUTHENTICATION_REQUIRED" => SignIn;
    /// The token is invalid, expired or revoked.
    TokenExpired = "TOKEN_EXPIRED" => SignIn;
    /// The caller may not do this.
    AccessDenied = "ACCESS_DENIED" => Forbidden;
    /// The client key is unknown, inactive, or missing where one is required.
    UnknownClient = "UNKNOWN_CLIENT" => Forbidden;
    /// The application must send its secret and did not.
    ApplicationSecretRequired = "APPLICATION_SECRET_REQUIRED" => Forbidden;
    /// The secret is not the application's.
    ApplicationSecretWrong = "APPLICATION_SECRET_WRONG" => Forbidden;
    /// The application must send its secret, but the registry has none.
    ApplicationHasNoSecret = "APPLICATION_HAS_NO_SECRET" => Forbidden;
    /// The password was right, but the user is not active.
    UserNotActive = "USER_NOT_ACTIVE" => Forbidden;
    /// The page's form is forged, or older than the last sign-in or sign-out.
    FormExpired = "FORM_EXPIRED" => Forbidden;
    /// The user has no password and would unlink the last identity to sign in with.
    LastWayIn = "LAST_WAY_IN" => Invalid;
    /// The browser did not open the partner's sign-in as a page: it came from a frame, a script or a prefetch.
    NavigationRequired = "NAVIGATION_REQUIRED" => Forbidden;
    /// Another user is signed in with this browser and has not agreed to be replaced.
    OtherUserSignedIn = "OTHER_USER_SIGNED_IN" => Forbidden;
    /// The token is absent or unreadable.
    TokenMalformed = "TOKEN_MALFORMED" => Invalid;
    /// The partner's token is not signed with RS256.
    AlgorithmNotAllowed = "ALGORITHM_NOT_ALLOWED" => SignIn;
    /// The header of the partner's token contains a key or another forbidden parameter.
    HeaderNotAllowed = "HEADER_NOT_ALLOWED" => SignIn;
    /// The `kid` of the partner's token is not its issuer.
    KeyIdMismatch = "KEY_ID_MISMATCH" => SignIn;
    /// No partner has this name.
    UnknownIssuer = "UNKNOWN_ISSUER" => SignIn;
    /// No key of the partner verifies the token.
    InvalidSignature = "INVALID_SIGNATURE" => SignIn;
    /// The token has another audience.
    AudienceMismatch = "AUDIENCE_MISMATCH" => SignIn;
    /// The token was issued in the future.
    TokenIatFuture = "TOKEN_IAT_FUTURE" => SignIn;
    /// The token is not valid yet.
    TokenNotYetValid = "TOKEN_NOT_YET_VALID" => SignIn;
    /// The token's lifetime is longer than the partner's limit.
    TokenLifeTooLong = "TOKEN_LIFE_TOO_LONG" => SignIn;
    /// The token was used before.
    TokenReplayed = "TOKEN_REPLAYED" => SignIn;
    /// A required claim is absent or empty.
    PayloadDataMissing = "PAYLOAD_DATA_MISSING" => Invalid;
    /// A claim has an invalid value.
    PayloadDataInvalid = "PAYLOAD_DATA_INVALID" => Invalid;
    /// The state is not registered for the partner.
    StateIdNotAllowed = "STATE_ID_NOT_ALLOWED" => Forbidden;
    /// No organisation has this ID in this channel.
    SchoolIdNotRegistered = "SCHOOL_ID_NOT_REGISTERED" => Invalid;
    /// The redirect URL is neither at this gateway's origin nor at one of the partner's.
    RedirectNotAllowed = "REDIRECT_NOT_ALLOWED" => Invalid;
    /// Some of externalId, externalIdProvider and externalIdType are absent.
    DependentParamsMissing = "DEPENDENT_PARAMS_MISSING" => Invalid;
    /// No user has this external ID.
    ExternalidNotFound = "EXTERNALID_NOT_FOUND" => NotFound;
    /// Another user has this external ID.
    ExternalidAssignedToOtherUser = "EXTERNALID_ASSIGNED_TO_OTHER_USER" => Invalid;
    /// The user would have two external IDs of one type from one provider.
    DuplicateExternalIds = "DUPLICATE_EXTERNAL_IDS" => Invalid;
    EmptyRolesProvided = "EMPTY_ROLES_PROVIDED" => Invalid;
    /// The role does not exist.
    InvalidRole = "INVALID_ROLE" => Invalid;
    /// A rate limit is reached.
    TooManyAttempts = "TOO_MANY_ATTEMPTS" => Throttled;
    /// The request is unreadable.
    Malformed = "MALFORMED" => Malformed;
    /// The face has no such operation.
    NoSuchOperation = "NO_SUCH_OPERATION" => UnknownOperation;
    /// The envelope is of neither SOAP 1.1 nor 1.2.
    VersionMismatch = "VERSION_MISMATCH" => VersionMismatch;
    /// A SOAP header that must be understood is unknown.
    MustUnderstand = "MUST_UNDERSTAND" => MustUnderstand;
    /// The WS-Security timestamp has expired or is in the future.
    MessageExpired = "MESSAGE_EXPIRED" => Malformed;
    /// The face does not support the media type, content encoding or character set.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" => MediaType;
    /// The face cannot write a media type that the client accepts.
    NotAcceptable = "NOT_ACCEPTABLE" => NotAcceptable;
    /// The body is over its limit.
    TooLarge = "TOO_LARGE" => TooLarge;
    /// The server is starting, or the database is unavailable.
    NotReady = "NOT_READY" => NotReady;
    /// The queues are full.
    Busy = "BUSY" => NotReady;
    /// An error of the server; the log has the cause under the request ID.
    InternalError = "INTERNAL_ERROR" => Internal;
}

/// One message of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// The published name of the field, if it is about one.
    pub field: Option<String>,
    /// The exact reason.
    pub why: Option<Why>,
}

/// The most problems that are reported for one request.
pub const MAX_PROBLEMS: usize = 32;

/// The problems of one request, collected while it is read.
#[derive(Debug, Default)]
pub struct Problems {
    /// In the order in which they were found.
    pub found: Vec<Problem>,
    refuse_unknown: bool,
}

impl Problems {
    /// An empty collection. Unknown fields are problems only if `refuse_unknown` is set.
    #[must_use]
    pub fn none(refuse_unknown: bool) -> Self {
        Self {
            found: Vec::new(),
            refuse_unknown,
        }
    }

    /// Notes a wrong value.
    pub fn note(&mut self, field: &str, why: Why) {
        self.add(Code::InvalidField, Some(field), Some(why));
    }

    /// Notes a missing field, unless a problem of this field is noted already.
    pub fn note_missing(&mut self, field: &str) {
        if self.found.iter().any(|p| p.field.as_deref() == Some(field)) {
            return;
        }
        self.add(Code::MissingField, Some(field), None);
    }

    /// Notes an unknown field, if those are refused.
    pub fn note_unknown(&mut self, field: &str) {
        if self.refuse_unknown {
            let short: String = field.chars().take(64).collect();
            self.add(Code::UnknownField, Some(&short), None);
        }
    }

    /// Notes content that is not allowed here.
    pub fn note_content(&mut self) {
        self.add(Code::InvalidField, None, Some(Why::WrongContent));
    }

    /// Notes a problem once, up to [`MAX_PROBLEMS`], so that a small request cannot cause a large answer.
    fn add(&mut self, code: Code, field: Option<&str>, why: Option<Why>) {
        let problem = Problem {
            code,
            field: field.map(str::to_owned),
            why,
        };
        if self.found.len() < MAX_PROBLEMS && !self.found.contains(&problem) {
            self.found.push(problem);
        }
    }
}

/// The exact reason why a field or a document is wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Longer than this many characters.
    TooLong(u32),
    /// More than this many entries.
    TooMany(usize),
    NotANumber,
    /// Outside these bounds, which are allowed themselves.
    OutOfRange(i64, i64),
    Repeated,
    /// Elements where text belongs, or text where elements belong.
    WrongContent,
    BadCharacters,
    HiddenCharacters,
    LooseMark,
    NotReadable,
    ReservedName,
    /// A user name that looks like another user's e-mail address.
    NotOwnAddress,
    LikeAnAdministrator,
    NotAnEmail,
    NotAStatus,
    NotAnOrder,
    NoSuchParameter,
    NotUnactivated,
    NotAChannel,
    /// Exactly one of this field and the named one is required.
    ExactlyOneOf(&'static str),
    TooShort(usize),
    OwnName,
    Common,
    Doctype,
    ProcessingInstruction,
    ForbiddenCharacter,
    Encoding,
    UnknownEntity,
    TooDeep(usize),
    TooManyElements(usize),
    TooManyAttributes(usize),
    TooManyNamespaces(usize),
    TooMuchText(usize),
    NotWellFormed,
    Truncated,
    TrailingContent,
    NotAnEnvelope,
    BodyCount,
    PasswordDigest,
    PasswordType,
    NotABoolean,
    NotATime,
    Inflation,
    NotJson,
    NotADocument,
    NotTheAddressed,
    BatchSize(usize),
    NotACall,
    NamesNeeded,
}
