//! Everything that can be wrong with a request, and the one table of how each face says so (SPEC §7).

/// What kind of refusal a message code belongs to; each kind is one row of the table, whose columns
/// are [`Kind::soap`], [`Kind::rest`], [`Kind::envelope`] and [`Kind::rpc`].
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

/// How SOAP tells a kind of refusal.
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
    /// The same, with HTTP 413.
    ClientTooLarge,
    /// `Server` in SOAP 1.1, `Receiver` in 1.2, with HTTP 503 for a passing condition.
    ServerBusy,
    /// `Server` in SOAP 1.1, `Receiver` in 1.2.
    Server,
}

impl Kind {
    /// The table's column for SOAP. No catch-all row, so that a new kind must say how it is told.
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

    /// The table's column for REST: the HTTP status, and the `responseStatus/code` beside the errors, where
    /// it was an operation that refused.
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
    /// The table's column for JSON-RPC: the code of the error, of those that the protocol reserves or of our own.
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

            /// The row of the table it belongs to.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)+ }
            }
        }
    };
}

codes! {
    /// A field holds something it must not.
    InvalidField = "INVALID_FIELD" => Invalid;
    /// A field that must be there is not, or is empty.
    MissingField = "MISSING_FIELD" => Invalid;
    /// A field this operation does not know, where the setting says to refuse those.
    UnknownField = "UNKNOWN_FIELD" => Invalid;
    /// Somebody has this user name already.
    UserAlreadyExists = "USER_ALREADY_EXISTS" => Invalid;
    /// Somebody has this e-mail address already.
    EmailAlreadyExists = "EMAIL_ALREADY_EXISTS" => Invalid;
    /// Another user holds this id in the service.
    IdInServiceTaken = "ID_IN_SERVICE_TAKEN" => Invalid;
    /// A one-time token that is unknown, used, replaced or too old.
    TokenInvalidOrExpired = "TOKEN_INVALID_OR_EXPIRED" => Invalid;
    /// The new password does not satisfy the rules.
    WeakPassword = "WEAK_PASSWORD" => Invalid;
    /// Sampled by the seeds; comes with `GRANTED_ORGS`.
    UnspecifiedOrganizationForUser = "UNSPECIFIED_ORGANIZATION_FOR_USER" => Choice;
    /// No such user, or none the caller may see.
    UserNotFound = "USER_NOT_FOUND" => NotFound;
    /// No such organisation, or none the caller may join.
    OrganizationNotFound = "ORGANIZATION_NOT_FOUND" => NotFound;
    ServiceNotFound = "SERVICE_NOT_FOUND" => NotFound;
    AgreementNotFound = "AGREEMENT_NOT_FOUND" => NotFound;
    /// Unknown user or wrong password; deliberately one code.
    BadCredentials = "BAD_CREDENTIALS" => SignIn;
    /// The operation needs a user token and none was sent.
    AuthenticationRequired = "AUTHENTICATION_REQUIRED" => SignIn;
    /// A token that was sent is not valid, or not any more.
    TokenExpired = "TOKEN_EXPIRED" => SignIn;
    /// The caller may not do this.
    AccessDenied = "ACCESS_DENIED" => Forbidden;
    /// The client key is unknown, missing where one is needed, or switched off.
    UnknownClient = "UNKNOWN_CLIENT" => Forbidden;
    /// The application has to prove itself and did not.
    ApplicationSecretRequired = "APPLICATION_SECRET_REQUIRED" => Forbidden;
    /// The secret that was sent is not the application's.
    ApplicationSecretWrong = "APPLICATION_SECRET_WRONG" => Forbidden;
    /// The application has to prove itself, and the registry has no secret of it.
    ApplicationHasNoSecret = "APPLICATION_HAS_NO_SECRET" => Forbidden;
    /// The password was right, but the user is not active.
    UserNotActive = "USER_NOT_ACTIVE" => Forbidden;
    /// A page's form that is not ours, or was given out before the browser signed in or out.
    FormExpired = "FORM_EXPIRED" => Forbidden;
    /// A user without a password would unlink the last identity by which a partner signs it in.
    LastWayIn = "LAST_WAY_IN" => Invalid;
    /// A partner's sign-in that the browser did not open as a page of its own: in a frame, by a script, or ahead of time.
    NavigationRequired = "NAVIGATION_REQUIRED" => Forbidden;
    /// Another user is signed in with this browser, and has not agreed to be replaced.
    OtherUserSignedIn = "OTHER_USER_SIGNED_IN" => Forbidden;
    /// No token, or not one that can be read.
    TokenMalformed = "TOKEN_MALFORMED" => Invalid;
    /// A partner's token is signed by anything but RS256, or by nothing.
    AlgorithmNotAllowed = "ALGORITHM_NOT_ALLOWED" => SignIn;
    /// A partner's token brings a key, or more than that, in its header.
    HeaderNotAllowed = "HEADER_NOT_ALLOWED" => SignIn;
    /// The key that a partner's token names is not called like its issuer.
    KeyIdMismatch = "KEY_ID_MISMATCH" => SignIn;
    /// No partner of this name.
    UnknownIssuer = "UNKNOWN_ISSUER" => SignIn;
    /// None of the partner's keys has signed the token.
    InvalidSignature = "INVALID_SIGNATURE" => SignIn;
    /// The token is for somebody else.
    AudienceMismatch = "AUDIENCE_MISMATCH" => SignIn;
    /// Issued later than now.
    TokenIatFuture = "TOKEN_IAT_FUTURE" => SignIn;
    /// Not to be used before some time to come.
    TokenNotYetValid = "TOKEN_NOT_YET_VALID" => SignIn;
    /// Good for longer than the partner may have it.
    TokenLifeTooLong = "TOKEN_LIFE_TOO_LONG" => SignIn;
    /// Used before.
    TokenReplayed = "TOKEN_REPLAYED" => SignIn;
    /// A claim that must be there is not, or is empty.
    PayloadDataMissing = "PAYLOAD_DATA_MISSING" => Invalid;
    /// A claim holds something it must not.
    PayloadDataInvalid = "PAYLOAD_DATA_INVALID" => Invalid;
    /// The partner's users do not come from there.
    StateIdNotAllowed = "STATE_ID_NOT_ALLOWED" => Forbidden;
    /// No organisation has this id in this channel.
    SchoolIdNotRegistered = "SCHOOL_ID_NOT_REGISTERED" => Invalid;
    /// Neither at this gateway's origin nor at one of the partner's.
    RedirectNotAllowed = "REDIRECT_NOT_ALLOWED" => Invalid;
    /// Of externalId, externalIdProvider and externalIdType some are there and some are not.
    DependentParamsMissing = "DEPENDENT_PARAMS_MISSING" => Invalid;
    /// Nobody has this external id.
    ExternalidNotFound = "EXTERNALID_NOT_FOUND" => NotFound;
    /// Somebody else has this external id.
    ExternalidAssignedToOtherUser = "EXTERNALID_ASSIGNED_TO_OTHER_USER" => Invalid;
    /// A user is given two external ids of one kind from one provider.
    DuplicateExternalIds = "DUPLICATE_EXTERNAL_IDS" => Invalid;
    EmptyRolesProvided = "EMPTY_ROLES_PROVIDED" => Invalid;
    /// No such role.
    InvalidRole = "INVALID_ROLE" => Invalid;
    /// Slow down.
    TooManyAttempts = "TOO_MANY_ATTEMPTS" => Throttled;
    /// The request cannot be read at all.
    Malformed = "MALFORMED" => Malformed;
    /// No operation of that name here.
    NoSuchOperation = "NO_SUCH_OPERATION" => UnknownOperation;
    /// The envelope is of neither SOAP 1.1 nor 1.2.
    VersionMismatch = "VERSION_MISMATCH" => VersionMismatch;
    /// A header entry must be understood and is not.
    MustUnderstand = "MUST_UNDERSTAND" => MustUnderstand;
    /// A Timestamp says that the message has expired, or that it was created in the future.
    MessageExpired = "MESSAGE_EXPIRED" => Malformed;
    /// A media type, content encoding or character set this face does not read.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE" => MediaType;
    /// No media type that the client accepts is written here.
    NotAcceptable = "NOT_ACCEPTABLE" => NotAcceptable;
    /// The body is over its limit.
    TooLarge = "TOO_LARGE" => TooLarge;
    /// Starting up, or the database is away.
    NotReady = "NOT_READY" => NotReady;
    /// More work than the queues hold.
    Busy = "BUSY" => NotReady;
    /// Our fault; the request id finds the cause in the log.
    InternalError = "INTERNAL_ERROR" => Internal;
}

/// One message of a refusal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub code: Code,
    /// The field it is about, by its published name.
    pub field: Option<String>,
    /// What exactly is wrong with it.
    pub why: Option<Why>,
}

/// The most that is told of what is wrong with one request.
pub const MAX_PROBLEMS: usize = 32;

/// What is wrong with the values of one request, gathered while it is read.
#[derive(Debug, Default)]
pub struct Problems {
    /// In the order they were met.
    pub found: Vec<Problem>,
    refuse_unknown: bool,
}

impl Problems {
    /// None yet; fields that nobody knows count as one only if `refuse_unknown` says so.
    #[must_use]
    pub fn none(refuse_unknown: bool) -> Self {
        Self {
            found: Vec::new(),
            refuse_unknown,
        }
    }

    /// A field's value is wrong.
    pub fn note(&mut self, field: &str, why: Why) {
        self.add(Code::InvalidField, Some(field), Some(why));
    }

    /// A required field is not there; one that is there and wrong has been told of already.
    pub fn note_missing(&mut self, field: &str) {
        if self.found.iter().any(|p| p.field.as_deref() == Some(field)) {
            return;
        }
        self.add(Code::MissingField, Some(field), None);
    }

    /// A field that nobody knows is there.
    pub fn note_unknown(&mut self, field: &str) {
        if self.refuse_unknown {
            let short: String = field.chars().take(64).collect();
            self.add(Code::UnknownField, Some(&short), None);
        }
    }

    /// There is content of a kind that does not belong here.
    pub fn note_content(&mut self) {
        self.add(Code::InvalidField, None, Some(Why::WrongContent));
    }

    /// Notes a problem; the same one once, and no more than anybody reads, or a small request would have a large answer.
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

/// What exactly is wrong with a field or a document.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Longer than this many characters.
    TooLong(u32),
    /// More than this many entries.
    TooMany(usize),
    NotANumber,
    /// Outside these bounds, both allowed.
    OutOfRange(i64, i64),
    Repeated,
    /// Elements where text belongs, or text where elements belong.
    WrongContent,
    BadCharacters,
    HiddenCharacters,
    LooseMark,
    NotReadable,
    ReservedName,
    /// A user name that looks like an e-mail address of somebody else.
    NotOwnAddress,
    LikeAnAdministrator,
    NotAnEmail,
    NotAStatus,
    NotAnOrder,
    NoSuchParameter,
    NotUnactivated,
    NotAChannel,
    /// This field goes only without that one, and one of them is needed.
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
