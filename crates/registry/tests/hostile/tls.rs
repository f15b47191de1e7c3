//! TLS: who is believed, and that nothing leaves it (K-OC-14, fault 44).

use super::server::{Server, reply};
use super::*;
use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair};
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use std::sync::Arc;
use veriseal_registry::Tls;

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

/// A server that asks for a client certificate of this authority and takes no connection without.
fn asking(authority: &Authority) -> Arc<rustls::ServerConfig> {
    let key = KeyPair::generate().unwrap();
    let certificate = CertificateParams::new(vec!["127.0.0.1".to_owned(), "localhost".to_owned()]).unwrap();
    let certificate = certificate.signed_by(&key, authority).unwrap();
    let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
    let mut roots = rustls::RootCertStore::empty();
    roots.add(authority.der().clone()).unwrap();
    let clients = rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), Arc::clone(&provider));
    let builder = rustls::ServerConfig::builder_with_provider(provider).with_safe_default_protocol_versions().unwrap();
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    let builder = builder.with_client_cert_verifier(clients.build().unwrap());
    Arc::new(builder.with_single_cert(vec![certificate.der().clone()], key).unwrap())
}

/// TLS settings with a client certificate of this authority.
fn client(authority: &Authority) -> Tls {
    let key = KeyPair::generate().unwrap();
    let mut params = CertificateParams::new(vec!["client".to_owned()]).unwrap();
    params.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::ClientAuth];
    let certificate = params.signed_by(&key, authority).unwrap();
    Tls::new().client_certificate_pem(certificate.pem().as_bytes(), key.serialize_pem().as_bytes())
}

/// An authority of one registry vouches for no other.
#[test]
fn each_registry_has_its_own_authority() {
    let (one, two) = (authority(), authority());
    let first = answering(config(&one, "127.0.0.1", |_| {}), reply(200, &[], b"{}"));
    let second = answering(config(&two, "127.0.0.1", |_| {}), reply(200, &[], b"{}"));
    let own = |authority: &Authority| Tls::new().root_certificate_pem(authority.pem().as_bytes());
    let builder = || Registry::builder().only_these_roots().retry_pause(Duration::ZERO);
    let right = builder().tls(&first.name(), own(&one)).tls(&second.name(), own(&two)).build().unwrap();
    let wrong = builder().tls(&first.name(), own(&two)).tls(&second.name(), own(&one)).build().unwrap();
    for server in [&first, &second] {
        assert_eq!(found(right.fetch(&tag(&server.name()))), b"{}");
        assert_eq!(code(wrong.fetch(&tag(&server.name()))), Code::Unavailable);
    }
}

#[test]
fn a_registry_with_only_its_own_authority_is_not_vouched_for_by_those_of_all() {
    let (general, own) = (authority(), authority());
    let server = answering(config(&general, "127.0.0.1", |_| {}), reply(200, &[], b"{}"));
    let own = || Tls::new().root_certificate_pem(own.pem().as_bytes());
    let beside = trusting(&general).tls(&server.name(), own()).build().unwrap();
    assert_eq!(found(beside.fetch(&tag(&server.name()))), b"{}");
    let alone = trusting(&general).tls(&server.name(), own().only_these_roots()).build().unwrap();
    assert_eq!(code(alone.fetch(&tag(&server.name()))), Code::Unavailable);
    // With no authority at all nobody is believed.
    let nobody = trusting(&general).tls(&server.name(), Tls::new().only_these_roots()).build().unwrap();
    assert_eq!(code(nobody.fetch(&tag(&server.name()))), Code::Unavailable);
}

#[test]
fn a_client_certificate_is_shown_to_its_registry_and_to_no_other() {
    let authority = authority();
    let server = answering(asking(&authority), reply(200, &[], b"{}"));
    let other = answering(asking(&authority), reply(200, &[], b"{}"));
    let registry = trusting(&authority).tls(&server.name(), client(&authority)).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&server.name()))), b"{}");
    assert_eq!(code(registry.fetch(&tag(&other.name()))), Code::Unavailable);
    // The same machine under another name is another host.
    assert_eq!(code(registry.fetch(&tag(&server.other_name()))), Code::Unavailable);
    assert!(other.seen().is_empty());
    assert_eq!(code(trusting(&authority).build().unwrap().fetch(&tag(&server.name()))), Code::Unavailable);
}

/// K-OC-11: a registry must not have us act in our own name somewhere else, even where we have one.
#[test]
fn a_client_certificate_does_not_follow_a_redirect() {
    let authority = authority();
    let target = answering(asking(&authority), reply(200, &[], b"{}"));
    let location = format!("https://{}/x", target.other_name());
    let server = answering(config(&authority, "127.0.0.1", |_| {}), reply(302, &[("Location", &location)], b""));
    let registry = trusting(&authority).tls(&target.other_name(), client(&authority)).build().unwrap();
    assert_eq!(found(registry.fetch(&tag(&target.other_name()))), b"{}");
    assert_eq!(code(registry.fetch(&tag(&server.name()))), Code::Unavailable);
    assert_eq!(target.seen().len(), 1);
}

#[test]
fn tls_settings_that_cannot_be_used_are_config_invalid() {
    let authority = authority();
    let good = || Tls::new().root_certificate_pem(authority.pem().as_bytes());
    for builder in [
        Registry::builder().tls("reg.example", Tls::new().root_certificate_pem(b"no PEM")),
        Registry::builder().tls("reg.example", Tls::new().client_certificate_pem(authority.pem().as_bytes(), b"no PEM")),
        Registry::builder().tls("https://reg.example", good()),
        Registry::builder().tls("reg.example", good()).tls("REG.example:443", good()),
        // In plain text nobody would be believed, or shown a certificate.
        Registry::builder().allow_http("reg.example").tls("reg.example", good()),
    ] {
        assert_eq!(builder.only_these_roots().build().unwrap_err().code(), Code::ConfigInvalid);
    }
}

/// K-OC-15: the mirror is a host of its own: its own authority, its own credentials; the registry's stay at home.
#[test]
fn a_mirror_has_its_own_authority_and_credentials() {
    let authority = authority();
    let mirror = Server::raw(Some(config(&authority, "127.0.0.1", |_| {})), |seen, _, stream| {
        let answer = match seen.authorization() {
            Some("Basic bWlycm9yOm1pcnJvcg==") => reply(200, &[], seen.target.as_bytes()),
            _ => reply(401, &[("WWW-Authenticate", "Basic realm=x")], b""),
        };
        let _ = stream.write_all(&answer);
    });
    let password = |user: &str, password: &str| Credentials::Password { username: user.to_owned(), password: password.into() };
    let registry = Registry::builder()
        .only_these_roots()
        .tls(&mirror.name(), Tls::new().root_certificate_pem(authority.pem().as_bytes()))
        .mirror("reg.example/ns", &format!("{}/copy", mirror.name()))
        .credentials("reg.example", password("victim", CANARY));
    let with_credentials = registry.credentials(&mirror.name(), password("mirror", "mirror")).build().unwrap();
    assert_eq!(found(with_credentials.fetch(&tag("reg.example"))), b"/v2/copy/app/manifests/v1");
    assert_no_canary(&mirror);
}
