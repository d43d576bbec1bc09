//! Key files: missing and wrong keys, values sealed by earlier versions, and file modes that are too wide.

use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;
use std::process::Command;

use aws_lc_rs::aead::{AES_256_GCM, Aad, RandomizedNonceKey};
use chaingun_gateway::secrets::sealing::Binding;
use chaingun_gateway::store::{StoreError, outbox, services, settings};

use crate::harness::process::Process;
use crate::harness::receiver::Receiver;
use crate::harness::{DeliverDue as _, Gateway, NOW, outbox_rows};

#[test]
fn refuses_to_start_with_a_missing_or_a_wrong_pepper() {
    let gateway = Gateway::demo();
    gateway.restart().unwrap();
    let pepper = gateway.data.path().join("keys/pepper.key");
    let right = std::fs::read(&pepper).unwrap();
    std::fs::remove_file(&pepper).unwrap();
    let missing = gateway.restart().unwrap_err().to_string();
    assert!(missing.contains("pepper.key is missing"), "{missing}");
    assert!(
        !pepper.exists(),
        "the gateway must not replace a lost pepper"
    );
    std::fs::write(&pepper, [7; 48]).unwrap();
    let wrong = gateway.restart().unwrap_err().to_string();
    assert!(wrong.contains("pepper.key is not the file"), "{wrong}");
    std::fs::write(&pepper, right).unwrap();
    gateway.restart().unwrap();
}

/// Seals a text as earlier versions did, with one key for all purposes.
fn sealed_without_binding(key_file: &Path, text: &str) -> Vec<u8> {
    let key = RandomizedNonceKey::new(&AES_256_GCM, &std::fs::read(key_file).unwrap()).unwrap();
    let mut buffer = text.as_bytes().to_vec();
    let nonce = key
        .seal_in_place_append_tag(Aad::empty(), &mut buffer)
        .unwrap();
    [nonce.as_ref(), buffer.as_slice()].concat()
}

#[test]
fn binds_values_sealed_by_earlier_versions_at_start() {
    let gateway = Gateway::with(&[("callbacks.allow_private", "loopback")]);
    let receiver = Receiver::content();
    let key_file = gateway.data.path().join("keys/outbox.key");
    let store = &gateway.app.store;
    store
        .write(|c| {
            let mut service = services::all(c)?.remove(0);
            service.callback_url = Some(receiver.url());
            service.credentials = Some(sealed_without_binding(&key_file, "old-key:old-secret"));
            services::put(c, &service)?;
            outbox::enqueue_callback(
                c,
                service.id,
                "moka-1",
                &sealed_without_binding(&key_file, "moka-1"),
                NOW,
            )?;
            settings::set(c, "sealed_form", "unbound")
        })
        .unwrap();
    gateway.restart().unwrap();
    let (credentials, rows) = store
        .read(|c| {
            let credentials = services::find(c, 1)?.and_then(|s| s.credentials);
            Ok::<_, StoreError>((credentials.unwrap(), outbox::sealed(c)?))
        })
        .unwrap();
    let open = |binding, sealed: &[u8]| gateway.app.sealer.open(binding, sealed);
    let opened = open(Binding::ServiceCredentials(1), &credentials);
    assert_eq!(opened.as_deref(), Some("old-key:old-secret"));
    let payload = &rows
        .iter()
        .find(|row| row.service_id == Some(1))
        .unwrap()
        .payload;
    assert_eq!(
        open(Binding::Callback(1), payload).as_deref(),
        Some("moka-1")
    );
    while gateway.delivery.deliver_due().unwrap() > 0 {}
    let states: Vec<_> = store.read(outbox_rows).unwrap();
    assert!(
        states.iter().all(|row| row.state.as_str() == "delivered"),
        "{states:?}"
    );
}

#[test]
fn makes_no_callback_with_credentials_moved_from_another_service() {
    let gateway = Gateway::with(&[("callbacks.allow_private", "loopback")]);
    let receiver = Receiver::content();
    let app = &gateway.app;
    let of_another = app
        .sealer
        .seal(Binding::ServiceCredentials(1), "demo-access:demo-secret")
        .unwrap();
    let user = app.sealer.seal(Binding::Callback(2), "moka-1").unwrap();
    app.store
        .write(|c| {
            let mut service = services::all(c)?.remove(1);
            service.callback_url = Some(receiver.url());
            service.credentials = Some(of_another.clone());
            services::put(c, &service)?;
            outbox::enqueue_callback(c, service.id, "moka-1", &user, NOW)
        })
        .unwrap();
    gateway.delivery.deliver_due().unwrap();
    let row = app.store.read(outbox_rows).unwrap().remove(0);
    assert_eq!(row.state.as_str(), "pending");
    let error = row.last_error.unwrap();
    assert!(error.contains("cannot be decrypted"), "{error}");
}

fn set_mode(path: &Path, mode: u32) {
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

#[test]
fn warns_at_start_of_key_files_that_others_can_read() {
    let data = tempfile::tempdir().unwrap();
    let log = Process::start(data.path(), None, &[], &[]).stop();
    assert!(!log.contains("other users"), "{log}");
    set_mode(&data.path().join("keys/pepper.key"), 0o644);
    set_mode(&data.path().join("gateway.db"), 0o660);
    let log = Process::start(data.path(), None, &[], &[]).stop();
    assert!(log.contains("can read"), "{log}");
    assert!(log.contains("keys/pepper.key (mode 0644)"), "{log}");
    assert!(log.contains("can change"), "{log}");
    assert!(log.contains("gateway.db (mode 0660)"), "{log}");
}

#[test]
fn warns_in_check_config_of_configuration_files_that_others_can_read_or_change() {
    let data = tempfile::tempdir().unwrap();
    let file = |name: &str, text: &str, mode| {
        let path = data.path().join(name);
        std::fs::write(&path, text).unwrap();
        set_mode(&path, mode);
        path
    };
    let registry =
        "[[clients]]\nname = \"Portal\"\nkey_file = \"portal.key\"\ntrust = \"public\"\n";
    file("registry.toml", registry, 0o644);
    file("portal.key", "0123456789abcdef", 0o640);
    let plain = format!("registry = {:?}\n", data.path().join("registry.toml"));
    let settings = file("gateway.toml", &plain, 0o644);
    let check = || {
        let output = Command::new(env!("CARGO_BIN_EXE_chaingun-gateway"))
            .args(["check-config", "--config"])
            .arg(&settings)
            .env("GATEWAY_DATA_DIR", data.path())
            .output()
            .unwrap();
        assert!(output.status.success(), "{output:?}");
        String::from_utf8(output.stderr).unwrap()
    };
    // Neither the settings file nor the registry file holds a secret, but the registry names a key file that the group
    // of the file can read.
    let warnings = check();
    assert_eq!(warnings.lines().count(), 1, "{warnings}");
    assert!(warnings.contains("portal.key (mode 0640)"), "{warnings}");
    set_mode(&data.path().join("portal.key"), 0o600);
    set_mode(&data.path().join("registry.toml"), 0o666);
    file(
        "gateway.toml",
        &format!("{plain}[mail]\npassword = \"hidden\"\n"),
        0o644,
    );
    let warnings = check();
    assert_eq!(warnings.lines().count(), 2, "{warnings}");
    assert!(warnings.contains("can read"), "{warnings}");
    assert!(warnings.contains("gateway.toml (mode 0644)"), "{warnings}");
    assert!(warnings.contains("can change"), "{warnings}");
    assert!(warnings.contains("registry.toml (mode 0666)"), "{warnings}");
    assert!(!warnings.contains("hidden"), "{warnings}");
}
