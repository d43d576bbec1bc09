//! Every text that a client can be shown, in Hungarian and English. No other text reaches a client.

use super::problem::{Code, Problem, Why};

/// The language of an answer: Hungarian unless the client asks for English first (SPEC §7).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Language {
    #[default]
    Hungarian,
    English,
}

impl Language {
    /// Reads `Accept-Language`: the first of `hu` and `en` with the higher weight wins.
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
}

/// The text of a problem.
#[must_use]
pub fn describe(problem: &Problem, language: Language) -> String {
    let general = title(problem.code, language);
    let mut out = String::from(general);
    if let Some(field) = &problem.field {
        out.push_str(&format!(" ({field})"));
    }
    if let Some(why) = problem.why {
        out.push_str(": ");
        out.push_str(&reason(why, language));
    }
    out
}

/// The text of a problem for a person at a page, without the name of the field.
#[must_use]
pub fn explain(problem: &Problem, language: Language) -> String {
    let problem = Problem {
        field: None,
        ..problem.clone()
    };
    describe(&problem, language)
}

const fn pick(language: Language, hungarian: &'static str, english: &'static str) -> &'static str {
    match language {
        Language::Hungarian => hungarian,
        Language::English => english,
    }
}

/// The text of a code, without the field.
#[must_use]
pub fn title(code: Code, language: Language) -> &'static str {
    let (hu, en) = match code {
        Code::InvalidField => ("Érvénytelen mező", "Invalid field"),
        Code::MissingField => ("Kötelező mező hiányzik", "A required field is missing"),
        Code::UnknownField => ("Ismeretlen mező", "Unknown field"),
        Code::UserAlreadyExists => (
            "Ez a felhasználónév már foglalt",
            "This user name is already taken",
        ),
        Code::EmailAlreadyExists => (
            "Ez az e-mail cím már foglalt",
            "This e-mail address is already taken",
        ),
        Code::IdInServiceTaken => (
            "Ennél a szolgáltatásnál ez az azonosító másik felhasználóé",
            "Another user holds this id in the service",
        ),
        Code::TokenInvalidOrExpired => (
            "A token érvénytelen, lejárt vagy már felhasználták; kérj újat",
            "The token is invalid, expired or already used; ask for a new one",
        ),
        Code::WeakPassword => (
            "A jelszó nem felel meg a szabályoknak",
            "The password does not satisfy the rules",
        ),
        // The Hungarian text is from the specification, which has no English one.
        Code::UnspecifiedOrganizationForUser => (
            "Kötelező megadni, hogy a felhasználó melyik organizációhoz legyen kötve, ha az nem egyértelmű!",
            "Name the organization the user is to be bound to, since it is not unambiguous!",
        ),
        Code::UserNotFound => ("Nincs ilyen felhasználó", "There is no such user"),
        Code::OrganizationNotFound => ("Nincs ilyen szervezet", "There is no such organization"),
        Code::ServiceNotFound => ("Nincs ilyen szolgáltatás", "There is no such service"),
        Code::AgreementNotFound => ("Nincs ilyen megállapodás", "There is no such agreement"),
        Code::BadCredentials => (
            "Hibás felhasználónév vagy jelszó",
            "Wrong user name or password",
        ),
        Code::AuthenticationRequired => (
            "Bejelentkezés szükséges: küldj érvényes tokent az Authorization fejlécben",
            "Sign in first: send a valid token in the Authorization header",
        ),
        Code::TokenExpired => (
            "Az azonosító token érvénytelen vagy lejárt; jelentkezz be újra",
            "The token is invalid or expired; sign in again",
        ),
        Code::AccessDenied => ("Nincs jogosultság a művelethez", "Not allowed"),
        Code::UnknownClient => (
            "Ismeretlen, hiányzó vagy letiltott kliens azonosító (clientHashKey)",
            "Unknown, missing or disabled client key (clientHashKey)",
        ),
        Code::ApplicationSecretRequired => (
            "Az alkalmazásnak igazolnia kell magát: küldd el a titkát az application_secret paraméterben vagy HTTP Basic hitelesítéssel",
            "The application must prove itself: send its secret as the parameter application_secret or by HTTP Basic",
        ),
        Code::ApplicationSecretWrong => (
            "Nem ez az alkalmazás titka",
            "This is not the application's secret",
        ),
        Code::ApplicationHasNoSecret => (
            "Az alkalmazásnak igazolnia kellene magát, de nincs titka; az üzemeltető adjon neki egyet (secret), vagy engedélyezze a titok nélküli hívást (plain_calls)",
            "The application must prove itself and has no secret; the operator gives it one (secret), or allows calls without one (plain_calls)",
        ),
        Code::UserNotActive => ("A felhasználó nem aktív", "The user is not active"),
        Code::FormExpired => (
            "Ez az űrlap lejárt; próbáld újra",
            "This form has expired; try again",
        ),
        Code::LastWayIn => (
            "Jelszó nélkül csak így tudsz belépni; előbb állíts be jelszót",
            "You have no password and can sign in only this way; set a password first",
        ),
        Code::NavigationRequired => (
            "A belépési címet a böngészőben, önálló lapként kell megnyitni",
            "Open the sign-in address in the browser as a page of its own",
        ),
        Code::OtherUserSignedIn => (
            "Ebben a böngészőben másik felhasználó van bejelentkezve; előbb jelentkezz ki",
            "Another user is signed in with this browser; sign out first",
        ),
        Code::TokenMalformed => (
            "Nincs token, vagy nem olvasható",
            "There is no token, or it cannot be read",
        ),
        Code::AlgorithmNotAllowed => (
            "A token csak RS256 aláírású lehet",
            "A token must be signed with RS256",
        ),
        Code::HeaderNotAllowed => (
            "A token fejlécében csak alg, typ és kid lehet",
            "A token's header holds alg, typ and kid only",
        ),
        Code::KeyIdMismatch => (
            "A token kid értéke nem egyezik a kibocsátóval",
            "The token's kid is not its issuer",
        ),
        Code::UnknownIssuer => ("Ismeretlen kibocsátó", "There is no partner of this name"),
        Code::InvalidSignature => (
            "A token aláírása érvénytelen",
            "The token's signature is not valid",
        ),
        Code::AudienceMismatch => (
            "A token nem ennek a szolgáltatásnak szól",
            "The token is not for this service",
        ),
        Code::TokenIatFuture => (
            "A token kibocsátási ideje a jövőben van; igazítsd be a kibocsátó óráját",
            "The token was issued in the future; set the issuer's clock",
        ),
        Code::TokenNotYetValid => ("A token még nem érvényes", "The token is not valid yet"),
        Code::TokenLifeTooLong => (
            "A token túl sokáig lenne érvényes",
            "The token would be valid for too long",
        ),
        Code::TokenReplayed => (
            "A tokent már felhasználták; jelentkezz be újra a partnernél",
            "The token was used before; sign in at the partner again",
        ),
        Code::PayloadDataMissing => (
            "A tokenből hiányzik egy kötelező adat",
            "A claim that the token must have is missing",
        ),
        Code::PayloadDataInvalid => (
            "A token egyik adata érvénytelen",
            "A claim of the token is not valid",
        ),
        Code::StateIdNotAllowed => (
            "A partner nem léptethet be innen érkező felhasználót",
            "The partner may not sign in users from there",
        ),
        Code::SchoolIdNotRegistered => (
            "Az iskola nincs nyilvántartásba véve",
            "The school is not registered",
        ),
        Code::RedirectNotAllowed => (
            "Erre a címre nem lehet továbblépni",
            "Users are not sent on to this address",
        ),
        Code::DependentParamsMissing => (
            "Az externalId, externalIdType és externalIdProvider csak együtt adható meg",
            "Send externalId, externalIdType and externalIdProvider all three or none",
        ),
        Code::ExternalidNotFound => (
            "Senkinek sincs ilyen külső azonosítója",
            "Nobody has this external id",
        ),
        Code::ExternalidAssignedToOtherUser => (
            "Ez a külső azonosító másik felhasználóé",
            "Another user has this external id",
        ),
        Code::DuplicateExternalIds => (
            "Egy rendszerben és típusban csak egy külső azonosító adható meg",
            "Only one external id goes with a provider and a type",
        ),
        Code::EmptyRolesProvided => ("A szerepkörök listája üres", "The list of roles is empty"),
        Code::InvalidRole => ("Nincs ilyen szerepkör", "There is no such role"),
        Code::TooManyAttempts => (
            "Túl sok próbálkozás; próbáld később",
            "Too many attempts; try again later",
        ),
        Code::Malformed => ("A kérés nem értelmezhető", "The request cannot be read"),
        Code::NoSuchOperation => ("Nincs ilyen művelet", "There is no such operation"),
        Code::VersionMismatch => (
            "A boríték névtere sem SOAP 1.1, sem SOAP 1.2",
            "The envelope's namespace is neither SOAP 1.1 nor SOAP 1.2",
        ),
        Code::MustUnderstand => (
            "A kérés fejlécében olyan kötelező bejegyzés van, amelyet a szolgáltatás nem ismer",
            "A header entry must be understood and is not known here",
        ),
        Code::MessageExpired => (
            "Az üzenet a Timestamp szerint lejárt, vagy a jövőben készült; igazítsd be a küldő óráját, és küldd újra",
            "The Timestamp says that the message has expired or was created in the future; set the sender's clock and send it again",
        ),
        Code::UnsupportedMediaType => ("Nem támogatott tartalomtípus", "Unsupported media type"),
        Code::NotAcceptable => (
            "A válasz csak application/vnd.api+json lehet",
            "The answer is application/vnd.api+json, which the request does not accept",
        ),
        Code::TooLarge => ("A kérés túl nagy", "The request is too large"),
        Code::NotReady => (
            "A szolgáltatás még nem áll készen; próbáld újra",
            "Not ready yet; try again",
        ),
        Code::Busy => (
            "A szolgáltatás túlterhelt; próbáld újra",
            "Overloaded; try again",
        ),
        Code::InternalError => ("Belső hiba", "Internal error"),
    };
    pick(language, hu, en)
}

fn reason(why: Why, language: Language) -> String {
    let fixed = |hu, en| pick(language, hu, en).to_owned();
    let counted = |hu: &str, en: &str, n: &dyn std::fmt::Display| {
        match language {
            Language::Hungarian => hu,
            Language::English => en,
        }
        .replace("{n}", &n.to_string())
    };
    match why {
        Why::TooLong(n) => counted(
            "legfeljebb {n} karakter lehet",
            "at most {n} characters are allowed",
            &n,
        ),
        Why::TooMany(n) => counted(
            "legfeljebb {n} elem lehet",
            "at most {n} entries are allowed",
            &n,
        ),
        Why::NotANumber => fixed("egész szám kell", "must be a whole number"),
        Why::OutOfRange(low, high) => counted(
            "{n} közötti szám kell",
            "must be within {n}",
            &format_args!("{low}–{high}"),
        ),
        Why::Repeated => fixed("csak egyszer szerepelhet", "may occur only once"),
        Why::WrongContent => fixed("nem megfelelő a tartalma", "has content of the wrong form"),
        Why::BadCharacters => fixed(
            "nem lehet benne vezérlőkarakter vagy szélső szóköz",
            "control characters and outer blanks are not allowed",
        ),
        Why::HiddenCharacters => fixed(
            "nem lehet benne láthatatlan, írásirányt váltó vagy a Unicode-ban ki nem osztott karakter",
            "characters that are invisible, change the direction of writing or are not assigned are not allowed",
        ),
        Why::LooseMark => fixed(
            "nem kezdődhet és nem végződhet betű nélküli ékezettel",
            "must not begin or end with an accent that belongs to no letter",
        ),
        Why::NotReadable => fixed(
            "olvasható karakternek is lennie kell benne",
            "must hold a character that can be read",
        ),
        Why::ReservedName => fixed(
            "ez a név nem használható; válassz másikat",
            "this name is reserved; choose another one",
        ),
        Why::NotOwnAddress => fixed(
            "ha e-mail címnek látszik, csak a felhasználó saját e-mail címe lehet",
            "a user name that looks like an e-mail address must be the user's own address",
        ),
        Why::LikeAnAdministrator => fixed(
            "túlságosan hasonlít egy rendszergazda nevére; válassz másikat",
            "looks too much like an administrator's name; choose another one",
        ),
        Why::NotAnEmail => fixed("nem e-mail cím", "is not an e-mail address"),
        Why::NotAStatus => fixed(
            "UNACTIVATED, ACTIVE vagy INACTIVE lehet",
            "must be UNACTIVATED, ACTIVE or INACTIVE",
        ),
        Why::NotAnOrder => fixed(
            "userName, name vagy email lehet, mindegyik legfeljebb egyszer, vesszővel elválasztva, előtte mínusszal fordítva",
            "must be userName, name or email, each once at most, separated by commas, with a minus before it the other way round",
        ),
        Why::NoSuchParameter => fixed(
            "ez a paraméter itt nem használható",
            "this parameter is not supported here",
        ),
        Why::NotUnactivated => fixed(
            "új felhasználó csak UNACTIVATED lehet",
            "a new user can only be UNACTIVATED",
        ),
        Why::NotAChannel => fixed("RESPONSE vagy EMAIL lehet", "must be RESPONSE or EMAIL"),
        Why::ExactlyOneOf(other) => counted(
            "vagy ez, vagy {n} kell, pontosan az egyik",
            "send either this or {n}, exactly one of the two",
            &other,
        ),
        Why::TooShort(n) => counted(
            "legalább {n} karakter kell",
            "at least {n} characters are needed",
            &n,
        ),
        Why::OwnName => fixed(
            "nem egyezhet a felhasználónévvel, a névvel vagy az e-mail címmel",
            "must differ from the user name, the name and the e-mail address",
        ),
        Why::Common => fixed("túl könnyen kitalálható", "is too easy to guess"),
        Why::Doctype => fixed("DOCTYPE nem megengedett", "a DOCTYPE is not allowed"),
        Why::ProcessingInstruction => fixed(
            "feldolgozási utasítás nem megengedett",
            "processing instructions are not allowed",
        ),
        Why::ForbiddenCharacter => fixed("az XML-ben tiltott karakter", "a character XML forbids"),
        Why::Encoding => fixed(
            "a karakterkódolás hibás vagy ismeretlen",
            "the character encoding is wrong or unknown",
        ),
        Why::UnknownEntity => fixed("ismeretlen entitás", "unknown entity"),
        Why::TooDeep(n) => counted(
            "legfeljebb {n} szint mély lehet",
            "at most {n} levels deep",
            &n,
        ),
        Why::TooManyElements(n) => counted(
            "legfeljebb {n} elem lehet benne",
            "at most {n} elements",
            &n,
        ),
        Why::TooManyAttributes(n) => counted(
            "egy elemen legfeljebb {n} attribútum lehet",
            "at most {n} attributes on an element",
            &n,
        ),
        Why::TooManyNamespaces(n) => counted(
            "egyszerre legfeljebb {n} névtér lehet deklarálva",
            "at most {n} namespaces may be declared at a time",
            &n,
        ),
        Why::TooMuchText(n) => counted(
            "egy szöveg legfeljebb {n} bájt lehet",
            "at most {n} bytes in one text",
            &n,
        ),
        Why::NotWellFormed => fixed("nem jól formált XML", "not well-formed XML"),
        Why::Truncated => fixed("a dokumentum csonka", "the document ends too early"),
        Why::TrailingContent => fixed("tartalom a boríték után", "content after the envelope"),
        Why::NotAnEnvelope => fixed("nem SOAP boríték", "not a SOAP envelope"),
        Why::BodyCount => fixed(
            "pontosan egy Body kell, benne pontosan egy művelettel",
            "exactly one Body with exactly one operation is needed",
        ),
        Why::PasswordDigest => fixed(
            "PasswordDigest nem használható, mert a jelszavak csak lenyomatként vannak meg; küldj PasswordText típusút",
            "PasswordDigest cannot be checked, since only hashes are kept; send PasswordText",
        ),
        Why::PasswordType => fixed(
            "ismeretlen a Password típusa; küldj PasswordText típusút",
            "the Password is of an unknown type; send PasswordText",
        ),
        Why::NotABoolean => fixed("0, 1, true vagy false lehet", "must be 0, 1, true or false"),
        Why::NotATime => fixed(
            "időpont kell, időzónával (xs:dateTime)",
            "must be a dateTime with its time zone (xs:dateTime)",
        ),
        Why::NotJson => fixed(
            "nem JSON, vagy egy név kétszer szerepel benne, vagy túl mély",
            "not JSON, or with two members of one name, or too deep",
        ),
        Why::NotADocument => fixed(
            "egy objektum kell, JSON:API szerint data.attributes mezőkkel, vagy közvetlenül a mezőkkel",
            "one object is needed, with data.attributes as JSON:API has it, or with the fields themselves",
        ),
        Why::NotTheAddressed => fixed(
            "nem egyezik azzal, amit a cím nevez meg",
            "differs from what the address names",
        ),
        Why::BatchSize(n) => counted(
            "egy kötegben 1–{n} hívás lehet",
            "a batch holds 1 to {n} calls",
            &n,
        ),
        Why::NotACall => fixed("nem JSON-RPC 2.0 hívás", "not a call of JSON-RPC 2.0"),
        Why::NamesNeeded => fixed("név szerinti paraméterek kellenek", "parameters go by name"),
        Why::Inflation => fixed("a tömörített törzs hibás", "the compressed body is broken"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hungarian_unless_english_weighs_more() {
        let of = Language::from_accept_language;
        assert_eq!(of(""), Language::Hungarian);
        assert_eq!(of("en"), Language::English);
        assert_eq!(of("en-GB,hu;q=0.5"), Language::English);
        assert_eq!(of("hu, en;q=0.9"), Language::Hungarian);
        assert_eq!(of("de, en;q=0.1"), Language::English);
        assert_eq!(of("en;q=0"), Language::Hungarian);
    }

    #[test]
    fn the_seeds_text_is_kept_to_the_letter() {
        let problem = Problem {
            code: Code::UnspecifiedOrganizationForUser,
            field: None,
            why: None,
        };
        assert_eq!(
            describe(&problem, Language::Hungarian),
            "Kötelező megadni, hogy a felhasználó melyik organizációhoz legyen kötve, ha az nem egyértelmű!"
        );
    }
}
