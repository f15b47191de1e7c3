//! TLS: who is believed, and that nothing leaves it (K-OC-14, fault 44).

use super::server::{Server, reply};
use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;

pub(crate) type Authority = CertifiedIssuer<'static, KeyPair>;

pub(crate) fn authority() -> Authority {
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap()
}

pub(crate) fn config(authority: &Authority, name: &str, change: impl Fn(&mut CertificateParams)) -> Arc<rustls::ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec![name.to_owned()]).unwrap();
    change(&mut params);
    let certificate = params.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    Arc::new(builder.with_no_client_auth().with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

fn answering(config: Arc<rustls::ServerConfig>, answer: Vec<u8>) -> Server {
    Server::raw(Some(config), move |_, _, stream| {
        let _ = stream.write_all(&answer);
    })
}

fn trusting(authority: &Authority) -> RegistryBuilder {
    Registry::builder().retry_pause(Duration::ZERO).root_certificate_pem(authority.pem().as_bytes()).only_these_roots()
}

#[test]
fn a_registry_with_a_certificate_of_a_given_root_is_believed() {
    let authority = authority();
    let server = answering(config(&authority, "127.0.0.1", |_| {}), reply(200, &[], b"{}"));
    assert_eq!(found(trusting(&authority).build().unwrap().fetch(&tag(&server.name()))), b"{}");
    let beside_the_system = Registry::builder().root_certificate_pem(authority.pem().as_bytes()).build();
    // A machine without any root of its own cannot build it; that is said, not worked around.
    match beside_the_system {
        Ok(registry) => assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}"),
        Err(failure) => assert_eq!(failure.code(), Code::ConfigInvalid),
    }
}

#[test]
fn a_certificate_of_another_root_another_name_or_another_time_is_not() {
    let trusted = authority();
    for config in [
        config(&authority(), "127.0.0.1", |_| {}),
        config(&trusted, "127.0.0.2", |_| {}),
        config(&trusted, "127.0.0.1", |params| {
            params.not_before = rcgen::date_time_ymd(2001, 1, 1);
            params.not_after = rcgen::date_time_ymd(2002, 1, 1);
        }),
    ] {
        let server = answering(config, reply(200, &[], b"{}"));
        let password = Credentials::Password { username: "victim".to_owned(), password: Secret::new(CANARY) };
        let registry = trusting(&trusted).credentials(&server.name(), password).build().unwrap();
        let failure = failure(registry.fetch(&tag(&server.name())));
        assert_eq!(failure.code(), Code::Unavailable);
        assert!(failure.to_string().contains("certificate"), "{failure}");
        assert!(server.seen().is_empty());
    }
}

#[test]
fn without_any_root_no_registry_is_believed() {
    let authority = authority();
    let server = answering(config(&authority, "127.0.0.1", |_| {}), reply(200, &[], b"{}"));
    let registry = Registry::builder().only_these_roots().retry_pause(Duration::ZERO).build().unwrap();
    assert_eq!(code(registry.fetch(&tag(&server.name()))), Code::Unavailable);
}

/// K-OC-11.
#[test]
fn a_redirect_from_https_to_http_is_redirect_refused() {
    let plain = Server::start(|_, _| reply(200, &[], b"{}"));
    let authority = authority();
    let location = format!("http://{}/x", plain.name());
    let server = answering(config(&authority, "127.0.0.1", |_| {}), reply(302, &[("Location", &location)], b""));
    // Even where that host is one that plain HTTP is allowed for.
    let registry = trusting(&authority).allow_http(&plain.name()).build().unwrap();
    assert_eq!(code(registry.fetch(&tag(&server.name()))), Code::RedirectRefused);
    assert!(plain.seen().is_empty());
}

/// K-OC-10.
#[test]
fn a_plain_realm_of_a_registry_with_https_is_realm_refused() {
    let plain = Server::start(|_, _| reply(200, &[], br#"{"token":"t"}"#));
    let authority = authority();
    let challenge = format!(r#"Bearer realm="http://{}/token""#, plain.name());
    let server = answering(config(&authority, "127.0.0.1", |_| {}), reply(401, &[("WWW-Authenticate", &challenge)], b""));
    let registry = trusting(&authority).allow_http(&plain.name()).build().unwrap();
    assert_eq!(code(registry.fetch(&tag(&server.name()))), Code::RealmRefused);
    assert!(plain.seen().is_empty());
}

#[test]
fn a_registry_without_tls_that_was_not_named_is_plain_http_refused() {
    let server = Server::start(|_, _| reply(200, &[], b"{}"));
    let registry = Registry::builder().only_these_roots().retry_pause(Duration::ZERO).build().unwrap();
    let failure = failure(registry.fetch(&tag(&server.name())));
    assert_eq!(failure.code(), Code::PlainHttpRefused, "{failure}");
}
