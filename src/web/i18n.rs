//! The texts of the pages, in Hungarian and English.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use minijinja::Value;

use crate::contract::messages::Language;

macro_rules! words {
    ($($key:ident: $hu:literal, $en:literal;)+) => {
        /// Key, Hungarian, English.
        const WORDS: &[(&str, &str, &str)] = &[$((stringify!($key), $hu, $en),)+];
    };
}

words! {
    product: "Chaingun", "Chaingun";
    skip: "Ugrás a tartalomra", "Skip to the content";
    languages: "Nyelv", "Language";
    error: "Hiba", "Error";
    sign_in: "Bejelentkezés", "Sign in";
    sign_in_for: "Jelentkezz be ehhez:", "Sign in to continue to";
    user_name_or_email: "Felhasználónév vagy e-mail cím", "User name or e-mail address";
    password: "Jelszó", "Password";
    forgotten_password: "Elfelejtett jelszó", "Forgotten password";
    forgotten_lead: "Elküldjük az e-mail címedre a linket, amelyen új jelszót állíthatsz be.", "We will mail you a link where you can set a new password.";
    register: "Regisztráció", "Register";
    have_account: "Van már fiókom, bejelentkezem", "I have an account and want to sign in";
    no_mail: "Nem kaptam meg a megerősítő levelet", "I did not get the confirmation mail";
    choose_organisation: "Melyik szervezet nevében folytatod?", "For which organisation do you want to continue?";
    go_on: "Tovább", "Continue";
    signed_in_as: "Bejelentkezve mint", "You are signed in as";
    sign_out: "Kijelentkezés", "Sign out";
    everywhere: "Minden más böngészőben is", "In every other browser as well";
    signed_out: "Kijelentkeztél", "You are signed out";
    account: "Fiókom", "My account";
    back_to_account: "Vissza a fiókomhoz", "Back to my account";
    name: "Név", "Name";
    user_name: "Felhasználónév", "User name";
    email: "E-mail cím", "E-mail address";
    organisations: "Szervezetek", "Organisations";
    password_rule: "8–64 karakter, bármilyen; ne legyen könnyen kitalálható.", "8 to 64 characters of any kind; not easy to guess.";
    resend: "Megerősítő levél újra", "Send the mail again";
    resend_lead: "Elküldjük újra a levelet, amellyel megerősítheted a regisztrációdat.", "We will send you the confirmation mail again.";
    send: "Küldés", "Send";
    check_mail: "Nézd meg a leveleidet", "Check your mail";
    registered_lead: "Küldtünk egy levelet a megadott címre. A benne lévő linkkel folytathatod.", "We have sent a mail to the address you gave. To continue, open the link in the mail.";
    mailed_lead: "Ha van ilyen fiók, küldtünk egy levelet a címére. A benne lévő linkkel folytathatod.", "If there is such an account, we have sent a mail to its address. To continue, open the link in the mail.";
    confirm: "Megerősítés", "Confirm";
    confirm_title: "Regisztráció megerősítése", "Confirm your registration";
    confirm_lead: "Egy lépés van hátra: erősítsd meg, hogy te regisztráltál.", "One step is left: confirm that it was you who registered.";
    confirmed: "Kész a fiókod", "Your account is ready";
    confirmed_lead: "Megerősítetted a regisztrációdat, bejelentkezhetsz.", "You have confirmed your registration and can sign in.";
    new_password: "Új jelszó", "New password";
    save: "Mentés", "Save";
    password_set: "Megvan az új jelszó", "Your new password is set";
    password_set_lead: "Az új jelszóval bejelentkezhetsz. Minden böngészőben kijelentkeztettünk.", "You can sign in with the new password. We have signed you out everywhere.";
    change_password: "Jelszó módosítása", "Change password";
    change_password_lead: "A többi böngészőben kijelentkeztetünk.", "You will be signed out in every other browser.";
    old_password: "Jelenlegi jelszó", "Current password";
    wrong_password: "Hibás jelszó", "Wrong password";
    password_changed: "Megváltozott a jelszavad.", "Your password is changed.";
    profile: "Adataim", "My profile";
    services: "Szolgáltatásaim", "My services";
    known_as: "azonosítód:", "known there as";
    no_services: "Egyik szolgáltatás sem ismer.", "You are not assigned to any service.";
    leave: "Kilépés", "Leave";
    left: "Kiléptél a szolgáltatásból; értesítjük róla.", "You have left the service. We will notify it.";
    agreements: "Megállapodásaim", "My agreements";
    no_agreements: "Nincs elfogadható megállapodás.", "There are no agreements.";
    accepted: "elfogadva", "accepted";
    withdrawn: "visszavonva", "withdrawn";
    not_accepted: "nincs elfogadva", "not accepted";
    accept: "Elfogadom", "Accept";
    withdraw: "Visszavonom", "Withdraw";
    agreement_accepted: "Elfogadtad a megállapodást.", "You have accepted the agreement.";
    agreement_withdrawn: "Visszavontad a megállapodást.", "You have withdrawn the agreement.";
    sessions: "Bejelentkezéseim", "My sessions";
    this_browser: "Ez a böngésző", "This browser";
    unknown_browser: "Ismeretlen böngésző", "Unknown browser";
    since: "kezdete:", "since";
    last_seen: "utoljára:", "last used";
    end: "Kijelentkeztetés", "End";
    end_others: "Kijelentkezés minden más böngészőben", "Sign out in every other browser";
    session_ended: "Kijelentkeztettük.", "The browser is signed out.";
    others_ended: "Minden más böngészőben kijelentkeztettünk.", "You are signed out in every other browser.";
    identities: "Belépés más rendszerből", "Signing in from other systems";
    identities_lead: "Ezek a rendszerek azonosíthatnak a fiókoddal, és akár be is léptethetnek.", "These systems can identify you with this account, and may sign you in to it.";
    linked: "összekapcsolva:", "linked";
    asserted_by: "állította:", "asserted by";
    unlink: "Leválasztás", "Unlink";
    identity_unlinked: "Leválasztottuk, és minden más böngészőben kijelentkeztettünk.", "It is unlinked, and you are signed out in every other browser.";
    no_password_yet: "Nincs jelszavad. Mielőtt az utolsó rendszert leválasztod, állíts be egyet:", "You have no password. Before you unlink the last system, set one:";
    password_by_mail: "Jelszó beállítása levélben kapott linkkel", "Set a password with a link by mail";
    no_way_to_set: "Jelszavad és e-mail címed sincs, ezért az utolsó rendszert nem választhatod le.", "You have neither a password nor an e-mail address, so you cannot unlink the last system.";
    take_over_legend: "Más rendszerek a fiókodon", "Other systems on your account";
    take_over_lead: "Ezek a rendszerek azonosíthattak a fiókoddal. Csak azt jelöld meg, amelyet ismersz és meg akarsz tartani; a többit leválasztjuk.", "These systems could identify you with this account. Mark only those that you know and want to keep; the others will be unlinked.";
    keep: "Megtartom:", "Keep";
    undo_email: "E-mail cím visszaállítása", "Restore your e-mail address";
    undo_email_lead: "A fiókodhoz újra ez az e-mail cím fog tartozni. Mindenhol kijelentkeztetünk, a jelszavad érvényét veszti, és levélben küldünk linket az új beállításához.", "Your account will have this e-mail address again. We will sign you out everywhere, your password will stop working, and we will mail you a link to set a new one.";
    restore: "Visszaállítás", "Restore";
    email_restored: "Visszaállítottuk az e-mail címedet", "Your e-mail address is restored";
    email_restored_lead: "Küldtünk egy levelet erre a címre. A benne lévő linkkel állíts be új jelszót.", "We have sent a mail to this address. Set a new password with the link in it.";
    switch_user: "Másik felhasználó van bejelentkezve", "Another user is signed in";
    switch_signed_in: "Ebben a böngészőben jelenleg bejelentkezve:", "Signed in with this browser now:";
    switch_arriving: "Egy partner most őt léptetné be:", "A partner wants to sign in:";
    switch_lead: "Ha folytatod, az első felhasználót ebben a böngészőben kijelentkeztetjük. Ha nem te kezdted a belépést, maradj.", "If you continue, the first user is signed out in this browser. If you did not start this sign-in, stay.";
    switch_go_on: "Folytatás másik felhasználóként:", "Continue as";
    switch_stay: "Maradok bejelentkezve mint", "Stay signed in as";
    more: "Továbbiak", "More";
    download: "Adataim letöltése", "Download my data";
    delete_account: "Fiók törlése", "Delete my account";
    delete_lead: "A törlés végleges: az adataid elvesznek, és a szolgáltatásaidat értesítjük.", "This is final: your data will be gone, and your services will be notified.";
    deleted: "Töröltük a fiókodat", "Your account is deleted";
    form_expired: "Ez az űrlap lejárt. Próbáld újra.", "This form has expired. Try again.";
    not_possible: "Ez nem sikerült", "This did not work";
    not_found: "Nincs ilyen oldal", "There is no such page";
    unknown_application: "Ismeretlen alkalmazás", "Unknown application";
    unknown_application_lead: "A címben olyan alkalmazás áll, amelyet nem ismerünk.", "The address names an application that is not known here.";
}

static HUNGARIAN: LazyLock<Value> = LazyLock::new(|| of(|(_, hu, _)| hu));
static ENGLISH: LazyLock<Value> = LazyLock::new(|| of(|(_, _, en)| en));

fn of(pick: fn(&(&'static str, &'static str, &'static str)) -> &'static str) -> Value {
    let words: BTreeMap<_, _> = WORDS.iter().map(|word| (word.0, pick(word))).collect();
    Value::from(words)
}

/// All texts of a language, by key.
pub fn words(language: Language) -> Value {
    match language {
        Language::Hungarian => HUNGARIAN.clone(),
        Language::English => ENGLISH.clone(),
    }
}
