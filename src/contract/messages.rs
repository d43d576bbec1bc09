//! Every code and text that a client can be shown, in Hungarian and English. No other text reaches a client.

use super::kind::Kind;

/// The language of an answer: Hungarian unless the client asks for English first (SPEC §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Hungarian,
    English,
}

impl Language {
    /// Reads `Accept-Language`: of `hu` and `en`, the language with the higher weight wins. If the weights are equal,
    /// the first of them wins.
    #[must_use]
    pub fn from_accept_language(header: &str) -> Language {
        let mut best = (Language::Hungarian, 0.0_f32);
        for range in header.split(',') {
            let mut parts = range.split(';');
            let tag = parts.next().unwrap_or("").trim().to_ascii_lowercase();
            let language = match tag.split('-').next() {
                Some("en") => Language::English,
                Some("hu") => Language::Hungarian,
                _ => continue,
            };
            let weight = parts
                .find_map(|p| p.trim().strip_prefix("q="))
                .map_or(Some(1.0), |q| q.parse().ok())
                .unwrap_or(0.0);
            if weight > best.1 {
                best = (language, weight);
            }
        }
        best.0
    }

    /// The language tag for `xml:lang` and `Content-Language`.
    #[must_use]
    pub const fn tag(self) -> &'static str {
        match self {
            Language::Hungarian => "hu",
            Language::English => "en",
        }
    }

    const fn pick(self, hungarian: &'static str, english: &'static str) -> &'static str {
        match self {
            Language::Hungarian => hungarian,
            Language::English => english,
        }
    }
}

macro_rules! codes {
    ($($(#[$doc:meta])* $variant:ident = $name:literal, $kind:ident, $hungarian:literal, $english:literal;)+) => {
        /// Every message code that a client can receive. Old codes are never renamed.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Code { $($(#[$doc])* $variant,)+ }

        impl Code {
            /// Every code, in the order of the table.
            pub const ALL: &'static [Code] = &[$(Code::$variant,)+];

            /// The published spelling.
            #[must_use]
            pub const fn as_str(self) -> &'static str {
                match self { $(Code::$variant => $name,)+ }
            }

            /// The kind of refusal, which decides how each face encodes it.
            #[must_use]
            pub const fn kind(self) -> Kind {
                match self { $(Code::$variant => Kind::$kind,)+ }
            }

            /// The text, without a field and a reason.
            #[must_use]
            pub const fn title(self, language: Language) -> &'static str {
                match self { $(Code::$variant => language.pick($hungarian, $english),)+ }
            }
        }
    };
}

// A row: the code, its published spelling, its kind, and its text in Hungarian and in English.
codes! {
    /// A field has an invalid value.
    InvalidField = "INVALID_FIELD", Invalid, "Érvénytelen mező", "Invalid field";
    /// A required field is absent or empty.
    MissingField = "MISSING_FIELD", Invalid, "Kötelező mező hiányzik", "A required field is missing";
    /// The operation does not have this field; refused if the settings say so.
    UnknownField = "UNKNOWN_FIELD", Invalid, "Ismeretlen mező", "Unknown field";
    /// The user name is taken.
    UserAlreadyExists = "USER_ALREADY_EXISTS", Invalid,
        "Ez a felhasználónév már foglalt", "This user name is already taken";
    /// The e-mail address is taken.
    EmailAlreadyExists = "EMAIL_ALREADY_EXISTS", Invalid,
        "Ez az e-mail cím már foglalt", "This e-mail address is already taken";
    /// Another user has this ID in the service.
    IdInServiceTaken = "ID_IN_SERVICE_TAKEN", Invalid,
        "Ennél a szolgáltatásnál ez az azonosító másik felhasználóé", "Another user holds this id in the service";
    /// The one-time token is unknown, used, replaced or expired.
    TokenInvalidOrExpired = "TOKEN_INVALID_OR_EXPIRED", Invalid,
        "A token érvénytelen, lejárt vagy már felhasználták", "The token is invalid, expired or already used";
    /// The new password does not satisfy the rules.
    WeakPassword = "WEAK_PASSWORD", Invalid,
        "A jelszó nem felel meg a szabályoknak", "The password does not satisfy the rules";
    /// The user belongs to several organisations, and the request names none. The answer has the parameter
    /// `GRANTED_ORGS`. The code is from the specification's samples.
    // The Hungarian text is from the specification, which has no English one.
    UnspecifiedOrganizationForUser = "UNSPECIFIED_ORGANIZATION_FOR_USER", Choice,
        "Kötelező megadni, hogy a felhasználó melyik organizációhoz legyen kötve, ha az nem egyértelmű!",
        "Name the organization the user is to be bound to, since it is not unambiguous!";
    /// The user does not exist, or the caller may not see it.
    UserNotFound = "USER_NOT_FOUND", NotFound, "Nincs ilyen felhasználó", "There is no such user";
    /// The organisation does not exist, or the caller may not join it.
    OrganizationNotFound = "ORGANIZATION_NOT_FOUND", NotFound, "Nincs ilyen szervezet", "There is no such organization";
    PortalNotFound = "PORTAL_NOT_FOUND", NotFound, "Nincs ilyen portál", "There is no such portal";
    ServiceNotFound = "SERVICE_NOT_FOUND", NotFound, "Nincs ilyen szolgáltatás", "There is no such service";
    AgreementNotFound = "AGREEMENT_NOT_FOUND", NotFound, "Nincs ilyen megállapodás", "There is no such agreement";
    /// The user is unknown or the password is wrong. Both cases have one code, so that the answer does not
    /// reveal whether the user exists.
    BadCredentials = "BAD_CREDENTIALS", SignIn, "Hibás felhasználónév vagy jelszó", "Wrong user name or password";
    /// The operation needs a user token, and the request has none.
    AuthenticationRequired = "AUTHENTICATION_REQUIRED", SignIn,
        "Bejelentkezés szükséges: küldj érvényes tokent", "Sign in first: send a valid token";
    /// The token is invalid, expired or revoked.
    TokenExpired = "TOKEN_EXPIRED", SignIn,
        "Az azonosító token érvénytelen vagy lejárt; jelentkezz be újra",
        "The token is invalid or expired; sign in again";
    /// The caller may not do this.
    AccessDenied = "ACCESS_DENIED", Forbidden, "Nincs jogosultság a művelethez", "Not allowed";
    /// The client is unknown or inactive, or the request names none where one is required.
    UnknownClient = "UNKNOWN_CLIENT", Forbidden,
        "Ismeretlen, hiányzó vagy letiltott kliens azonosító", "Unknown, missing or disabled client";
    /// The application must send its secret, and the request has none.
    ApplicationSecretRequired = "APPLICATION_SECRET_REQUIRED", Forbidden,
        "Az alkalmazásnak igazolnia kell magát: küldd el a titkát az application_secret paraméterben vagy HTTP Basic hitelesítéssel",
        "Send the application's secret, as the parameter application_secret or with HTTP Basic";
    /// The secret is not the application's.
    ApplicationSecretWrong = "APPLICATION_SECRET_WRONG", Forbidden,
        "Nem ez az alkalmazás titka", "This is not the application's secret";
    /// The application must send its secret, but the registry has none.
    ApplicationHasNoSecret = "APPLICATION_HAS_NO_SECRET", Forbidden,
        "Az alkalmazásnak igazolnia kellene magát, de nincs titka; az üzemeltető adjon neki egyet (secret), vagy engedélyezze a titok nélküli hívást (plain_calls)",
        "The application must send a secret but the registry holds none; ask the operator to set secret, or plain_calls for calls without one";
    /// The password was right, but the user is not active.
    UserNotActive = "USER_NOT_ACTIVE", Forbidden, "A felhasználó nem aktív", "The user is not active";
    /// The page's form is forged, or older than the last sign-in or sign-out.
    FormExpired = "FORM_EXPIRED", Forbidden, "Ez az űrlap lejárt; próbáld újra", "This form has expired; try again";
    /// The user has no password and would unlink the last identity for signing in.
    LastWayIn = "LAST_WAY_IN", Invalid,
        "Jelszó nélkül csak így tudsz belépni; előbb állíts be jelszót",
        "You have no password and can sign in only this way; set a password first";
    /// The browser did not open the partner's sign-in as a page: it came from a frame, a script or a prefetch.
    NavigationRequired = "NAVIGATION_REQUIRED", Forbidden,
        "A belépési címet a böngészőben, önálló lapként kell megnyitni",
        "Open the sign-in address in the browser as a page of its own";
    /// Another user is signed in with this browser and has not agreed to be replaced.
    OtherUserSignedIn = "OTHER_USER_SIGNED_IN", Forbidden,
        "Ebben a böngészőben másik felhasználó van bejelentkezve; előbb jelentkezz ki",
        "Another user is signed in with this browser; sign out first";
    /// The token is absent or unreadable.
    TokenMalformed = "TOKEN_MALFORMED", Invalid,
        "Nincs token, vagy nem olvasható", "There is no token, or it cannot be read";
    /// The partner's token is not signed with RS256.
    AlgorithmNotAllowed = "ALGORITHM_NOT_ALLOWED", SignIn,
        "A token csak RS256 aláírású lehet", "A token must be signed with RS256";
    /// The header of the partner's token contains a key or another forbidden parameter.
    HeaderNotAllowed = "HEADER_NOT_ALLOWED", SignIn,
        "A token fejlécében csak alg, typ és kid lehet", "A token's header may contain only alg, typ and kid";
    /// The `kid` of the partner's token is not its issuer.
    KeyIdMismatch = "KEY_ID_MISMATCH", SignIn,
        "A token kid értéke nem egyezik a kibocsátóval", "The token's kid is not its issuer";
    /// No partner has this name.
    UnknownIssuer = "UNKNOWN_ISSUER", SignIn, "Ismeretlen kibocsátó", "There is no partner of this name";
    /// No key of the partner verifies the token.
    InvalidSignature = "INVALID_SIGNATURE", SignIn,
        "A token aláírása érvénytelen", "The token's signature is not valid";
    /// The token has another audience.
    AudienceMismatch = "AUDIENCE_MISMATCH", SignIn,
        "A token nem ennek a szolgáltatásnak szól", "The token is not for this service";
    /// The token was issued in the future.
    TokenIatFuture = "TOKEN_IAT_FUTURE", SignIn,
        "A token kibocsátási ideje a jövőben van; igazítsd be a kibocsátó óráját",
        "The token was issued in the future; set the issuer's clock";
    /// The token is not valid yet.
    TokenNotYetValid = "TOKEN_NOT_YET_VALID", SignIn, "A token még nem érvényes", "The token is not valid yet";
    /// The token's lifetime is longer than the partner's limit.
    TokenLifeTooLong = "TOKEN_LIFE_TOO_LONG", SignIn,
        "A token túl sokáig lenne érvényes", "The token would be valid for too long";
    /// The token was used before.
    TokenReplayed = "TOKEN_REPLAYED", SignIn,
        "A tokent már felhasználták; jelentkezz be újra a partnernél",
        "The token was used before; sign in at the partner again";
    /// A required claim is absent or empty.
    PayloadDataMissing = "PAYLOAD_DATA_MISSING", Invalid,
        "A tokenből hiányzik egy kötelező adat", "A claim that the token must have is missing";
    /// A claim has an invalid value.
    PayloadDataInvalid = "PAYLOAD_DATA_INVALID", Invalid,
        "A token egyik adata érvénytelen", "A claim of the token is not valid";
    /// The state is not registered for the partner.
    StateIdNotAllowed = "STATE_ID_NOT_ALLOWED", Forbidden,
        "A partner nem léptethet be innen érkező felhasználót", "The partner may not sign in users from there";
    /// No organisation has this ID in this channel.
    SchoolIdNotRegistered = "SCHOOL_ID_NOT_REGISTERED", Invalid,
        "Az iskola nincs nyilvántartásba véve", "The school is not registered";
    /// The redirect URL has neither this gateway's origin nor one of the partner's origins.
    RedirectNotAllowed = "REDIRECT_NOT_ALLOWED", Invalid,
        "Erre a címre nem lehet továbblépni", "This redirect address is not registered for the partner";
    /// Some of externalId, externalIdProvider and externalIdType are absent.
    DependentParamsMissing = "DEPENDENT_PARAMS_MISSING", Invalid,
        "Az externalId, externalIdType és externalIdProvider csak együtt adható meg",
        "Send externalId, externalIdType and externalIdProvider all three or none";
    /// No user has this external ID.
    ExternalidNotFound = "EXTERNALID_NOT_FOUND", NotFound,
        "Senkinek sincs ilyen külső azonosítója", "Nobody has this external id";
    /// Another user has this external ID.
    ExternalidAssignedToOtherUser = "EXTERNALID_ASSIGNED_TO_OTHER_USER", Invalid,
        "Ez a külső azonosító másik felhasználóé", "Another user has this external id";
    /// The user would have two external IDs of one type from one provider.
    DuplicateExternalIds = "DUPLICATE_EXTERNAL_IDS", Invalid,
        "Egy rendszerben és típusban csak egy külső azonosító adható meg",
        "Only one external id goes with a provider and a type";
    /// Another user has this verified telephone number, and the settings demand that numbers are unique.
    PhoneAlreadyInUse = "PHONE_ALREADY_IN_USE", Invalid,
        "Ez a telefonszám másik felhasználóé", "Another user has this telephone number";
    /// A user of a partner needs a verified address or number. The directory has no managed users, which the code also
    /// names.
    EmailOrPhoneMissing = "EMAIL_OR_PHONE_OR_MANAGEDBY_MISSING", Invalid,
        "E-mail cím vagy telefonszám kell", "Send an e-mail address or a telephone number";
    /// The address is not verified.
    EmailVerifyError = "EMAIL_VERIFY_ERROR", Invalid,
        "Csak ellenőrzött e-mail cím adható meg (emailVerified: true)",
        "The e-mail address must be verified (emailVerified: true)";
    /// The number is not verified.
    PhoneVerifyError = "PHONE_VERIFY_ERROR", Invalid,
        "Csak ellenőrzött telefonszám adható meg (phoneVerified: true)",
        "The telephone number must be verified (phoneVerified: true)";
    EmptyRolesProvided = "EMPTY_ROLES_PROVIDED", Invalid, "A szerepkörök listája üres", "The list of roles is empty";
    /// The role does not exist.
    InvalidRole = "INVALID_ROLE", Invalid, "Nincs ilyen szerepkör", "There is no such role";
    /// A rate limit is reached.
    TooManyAttempts = "TOO_MANY_ATTEMPTS", Throttled,
        "Túl sok próbálkozás; próbáld később", "Too many attempts; try again later";
    /// The request is unreadable.
    Malformed = "MALFORMED", Malformed, "A kérés nem értelmezhető", "The request cannot be read";
    /// The `type` of a JSON:API document is not the type that belongs to the URL.
    TypeMismatch = "TYPE_MISMATCH", Mismatch,
        "A dokumentum type értéke nem az, amit ez a cím vár", "The type of the document is not the one of this address";
    /// A document names another resource than its URL, or it names two resources.
    IdMismatch = "ID_MISMATCH", Mismatch,
        "A kérésben lévő azonosítók eltérnek", "The ids in the request differ";
    /// The face has no such operation.
    NoSuchOperation = "NO_SUCH_OPERATION", UnknownOperation, "Nincs ilyen művelet", "There is no such operation";
    /// The envelope is of neither SOAP 1.1 nor 1.2.
    VersionMismatch = "VERSION_MISMATCH", VersionMismatch,
        "A boríték névtere sem SOAP 1.1, sem SOAP 1.2", "The envelope's namespace is neither SOAP 1.1 nor SOAP 1.2";
    /// A SOAP header that must be understood is unknown.
    MustUnderstand = "MUST_UNDERSTAND", MustUnderstand,
        "A kérés fejlécében olyan kötelező bejegyzés van, amelyet a szolgáltatás nem ismer",
        "A header entry must be understood and is not known here";
    /// The WS-Security timestamp has expired or is in the future.
    MessageExpired = "MESSAGE_EXPIRED", Malformed,
        "Az üzenet a Timestamp szerint lejárt, vagy a jövőben készült; igazítsd be a küldő óráját, és küldd újra",
        "The Timestamp says that the message has expired or was created in the future; set the sender's clock and send it again";
    /// The face does not support the media type, content encoding or character set.
    UnsupportedMediaType = "UNSUPPORTED_MEDIA_TYPE", MediaType,
        "Nem támogatott tartalomtípus", "Unsupported media type";
    /// The face cannot write a media type that the client accepts.
    NotAcceptable = "NOT_ACCEPTABLE", NotAcceptable,
        "A válasz csak application/vnd.api+json lehet",
        "The answer is application/vnd.api+json, which the request does not accept";
    /// The body is over its limit.
    TooLarge = "TOO_LARGE", TooLarge, "A kérés túl nagy", "The request is too large";
    /// The server is starting, or the database is unavailable.
    NotReady = "NOT_READY", NotReady, "A szolgáltatás még nem áll készen; próbáld újra", "Not ready yet; try again";
    /// The queues are full.
    Busy = "BUSY", NotReady, "A szolgáltatás túlterhelt; próbáld újra", "Overloaded; try again";
    /// An error of the server; the log has the cause under the request ID.
    InternalError = "INTERNAL_ERROR", Internal, "Belső hiba", "Internal error";
}

macro_rules! reasons {
    ($(
        $(#[$doc:meta])*
        $variant:ident $(($($value:ident: $type:ty),+))? = $hungarian:literal, $english:literal;
    )+) => {
        /// The exact reason why a field or a document is wrong.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Why { $($(#[$doc])* $variant $(($($type),+))?,)+ }

        impl Why {
            /// The text, with the reason's values filled in.
            #[must_use]
            pub fn text(self, language: Language) -> String {
                match (self, language) {$(
                    (Why::$variant $(($($value),+))?, Language::Hungarian) => format!($hungarian),
                    (Why::$variant $(($($value),+))?, Language::English) => format!($english),
                )+}
            }
        }
    };
}

// A row: the reason with its values, and its text in Hungarian and in English.
reasons! {
    /// Longer than this many characters.
    TooLong(n: u32) = "legfeljebb {n} karakter lehet", "at most {n} characters are allowed";
    /// More than this many entries.
    TooMany(n: usize) = "legfeljebb {n} elem lehet", "at most {n} entries are allowed";
    NotANumber = "egész szám kell", "must be a whole number";
    /// Outside these bounds. The bounds themselves are allowed.
    OutOfRange(low: i64, high: i64) = "{low}–{high} közötti szám kell", "must be within {low}–{high}";
    /// The one-time token is not valid; the user must request a new one.
    NewTokenNeeded = "kérj újat", "ask for a new one";
    /// The token belongs to a registration that was confirmed before.
    AlreadyConfirmed =
        "ezt a regisztrációt már megerősítették; jelentkezz be", "this registration is confirmed already; sign in";
    Repeated = "csak egyszer szerepelhet", "may occur only once";
    /// A value about the caller that the request states more than once, differently.
    Ambiguous =
        "több, egymástól eltérő értéke van; csak egyet küldj", "has several different values; send only one";
    /// Elements where text belongs, or text where elements belong.
    WrongContent = "nem megfelelő a tartalma", "has content of the wrong form";
    BadCharacters =
        "nem lehet benne vezérlőkarakter vagy szélső szóköz", "control characters and outer blanks are not allowed";
    HiddenCharacters =
        "nem lehet benne láthatatlan, írásirányt váltó vagy a Unicode-ban ki nem osztott karakter",
        "characters that are invisible, change the direction of writing or are not assigned are not allowed";
    MarkWithoutLetter =
        "nem kezdődhet és nem végződhet betű nélküli ékezettel",
        "must not begin or end with an accent that belongs to no letter";
    NotReadable = "olvasható karakternek is lennie kell benne", "must hold a character that can be read";
    ReservedName = "ez a név nem használható; válassz másikat", "this name is reserved; choose another one";
    /// The user name looks like an e-mail address, but it is not the user's own address.
    NotOwnAddress =
        "ha e-mail címnek látszik, csak a felhasználó saját e-mail címe lehet",
        "a user name that looks like an e-mail address must be the user's own address";
    SimilarToAdministrator =
        "túlságosan hasonlít egy rendszergazda nevére; válassz másikat",
        "looks too much like an administrator's name; choose another one";
    /// The change would clear a value that every user must have.
    MustNotBeEmpty =
        "nem lehet üres; hagyd ki, ha nem változik", "must not be empty; leave it out to keep the present value";
    NotAnEmail = "nem e-mail cím", "is not an e-mail address";
    NotAPhone =
        "nem telefonszám: 4–15 számjegy kell, előtte lehet +",
        "is not a telephone number: 4 to 15 digits, with an optional leading +";
    NotAKey = "email, phone, loginId vagy userName lehet", "must be email, phone, loginId or userName";
    /// A telephone number of several users names none of them.
    SharedByUsers = "több felhasználóé", "belongs to several users";
    NotAStatus = "UNACTIVATED, ACTIVE vagy INACTIVE lehet", "must be UNACTIVATED, ACTIVE or INACTIVE";
    NotAnOrder =
        "userName, name és email vesszővel elválasztott listája lehet, mindegyik legfeljebb egyszer; a név előtti mínusz csökkenő sorrendet jelent",
        "must be a comma-separated list of userName, name and email, each at most once; a minus before a name sorts in descending order";
    NoSuchParameter = "ez a paraméter itt nem használható", "this parameter is not supported here";
    NotUnactivated = "új felhasználó csak UNACTIVATED lehet", "a new user can only be UNACTIVATED";
    NotAChannel = "RESPONSE vagy EMAIL lehet", "must be RESPONSE or EMAIL";
    /// Exactly one of this field and the named one is required.
    ExactlyOneOf(other: &'static str) =
        "vagy ez, vagy {other} kell, pontosan az egyik", "send either this or {other}, exactly one of the two";
    TooShort(n: usize) = "legalább {n} karakter kell", "at least {n} characters are needed";
    OwnName =
        "nem egyezhet a felhasználónévvel, a névvel vagy az e-mail címmel",
        "must differ from the user name, the name and the e-mail address";
    Common = "túl könnyen kitalálható", "is too easy to guess";
    Doctype = "DOCTYPE nem megengedett", "a DOCTYPE is not allowed";
    ProcessingInstruction = "feldolgozási utasítás nem megengedett", "processing instructions are not allowed";
    ForbiddenCharacter = "az XML-ben tiltott karakter", "a character XML forbids";
    Encoding = "a karakterkódolás hibás vagy ismeretlen", "the character encoding is wrong or unknown";
    UnknownEntity = "ismeretlen entitás", "unknown entity";
    TooDeep(n: usize) = "legfeljebb {n} szint mély lehet", "at most {n} levels deep";
    TooManyElements(n: usize) = "legfeljebb {n} elem lehet benne", "at most {n} elements";
    TooManyAttributes(n: usize) = "egy elemen legfeljebb {n} attribútum lehet", "at most {n} attributes on an element";
    TooManyNamespaces(n: usize) =
        "egyszerre legfeljebb {n} névtér lehet deklarálva", "at most {n} namespaces may be declared at a time";
    TooMuchText(n: usize) = "egy szöveg legfeljebb {n} bájt lehet", "at most {n} bytes in one text";
    NotWellFormed = "nem jól formált XML", "not well-formed XML";
    Truncated = "a dokumentum csonka", "the document ends too early";
    TrailingContent = "tartalom a boríték után", "content after the envelope";
    NotAnEnvelope = "nem SOAP boríték", "not a SOAP envelope";
    BodyCount =
        "pontosan egy Body kell, benne pontosan egy művelettel",
        "exactly one Body with exactly one operation is needed";
    PasswordDigest =
        "PasswordDigest nem használható, mert a jelszavak csak lenyomatként vannak meg; küldj PasswordText típusút",
        "PasswordDigest cannot be checked, since only hashes are kept; send PasswordText";
    PasswordType =
        "ismeretlen a Password típusa; küldj PasswordText típusút",
        "the Password is of an unknown type; send PasswordText";
    NotABoolean = "0, 1, true vagy false lehet", "must be 0, 1, true or false";
    NotATime = "időpont kell, időzónával (xs:dateTime)", "must be a dateTime with its time zone (xs:dateTime)";
    BrokenCompression = "a tömörített törzs hibás", "the compressed body is broken";
    NotJson =
        "nem JSON, vagy egy név kétszer szerepel benne, vagy túl mély",
        "not JSON, or with two members of one name, or too deep";
    NotADocument =
        "egy objektum kell, JSON:API szerint data.attributes mezőkkel, vagy közvetlenül a mezőkkel",
        "one object is needed, with data.attributes as JSON:API has it, or with the fields themselves";
    /// The id of a resource and the attribute for the same field name two users.
    NotTheId = "nem egyezik a data.id értékével", "differs from data.id";
    DiffersFromUrl = "nem egyezik az URL-ben megadott értékkel", "differs from the value in the URL";
    /// A JSON:API document without its type.
    TypeNeeded(kind: &'static str) =
        "kell egy type, amely szöveg, például \"{kind}\"", "a type is needed, which is a text such as \"{kind}\"";
    TypeExpected(kind: &'static str) = "itt \"{kind}\" kell", "must be \"{kind}\" here";
    BatchSize(n: usize) = "egy kötegben 1–{n} hívás lehet", "a batch holds 1 to {n} calls";
    NotACall = "nem JSON-RPC 2.0 hívás", "not a call of JSON-RPC 2.0";
    NamesNeeded = "név szerinti paraméterek kellenek", "parameters must be sent by name, as an object";
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn chooses_hungarian_unless_english_has_a_higher_weight() {
        let of = Language::from_accept_language;
        assert_eq!(of(""), Language::Hungarian);
        assert_eq!(of("en"), Language::English);
        assert_eq!(of("en-GB,hu;q=0.5"), Language::English);
        assert_eq!(of("hu, en;q=0.9"), Language::Hungarian);
        assert_eq!(of("de, en;q=0.1"), Language::English);
        assert_eq!(of("en;q=0"), Language::Hungarian);
    }

    #[test]
    fn uses_the_exact_text_of_the_specification() {
        assert_eq!(
            Code::UnspecifiedOrganizationForUser.title(Language::Hungarian),
            "Kötelező megadni, hogy a felhasználó melyik organizációhoz legyen kötve, ha az nem egyértelmű!"
        );
    }

    #[test]
    fn inserts_the_numbers_of_a_reason() {
        let range = Why::OutOfRange(1, 5);
        assert_eq!(range.text(Language::English), "must be within 1–5");
        assert_eq!(range.text(Language::Hungarian), "1–5 közötti szám kell");
    }
}
