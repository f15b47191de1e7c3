//! Attacks on certificate transparency: K-TL-18.

use crate::kit::{Case, identity};
use veriseal::policy::{SctMode, Settings};
use veriseal::{Code, Validity};
use veriseal_testkit::ct::{self, CtLog, Sct};
use veriseal_testkit::sigstore::NOW;
use veriseal_testkit::x509::{Extension, Template, extension};
use veriseal_testkit::{Seed, Signer, Sigstore};

/// The template of a good certificate for the identity, and the key it is for.
fn template(case: &Case) -> Template {
    case.sigstore.fulcio.template(&identity(), &case.signer.key.spki(), NOW)
}

/// The answer to a bundle by a certificate that carries these timestamps.
fn code(case: &Case, template: &Template, scts: &[Sct]) -> Code {
    let mut template = template.clone();
    template.set(ct::sct_list(scts));
    code_of(case, &template)
}

fn code_of(case: &Case, template: &Template) -> Code {
    let leaf = template.sign(&case.sigstore.fulcio.intermediate.key);
    let signer = Signer::certificate(case.signer.key.clone(), leaf, case.sigstore.fulcio.chain());
    let mut case = Case { signer, ..case.clone() };
    let bundle = case.message();
    case.code(&bundle)
}

fn issuer(case: &Case) -> Vec<u8> {
    case.sigstore.fulcio.intermediate.key.spki()
}

#[test]
fn a_certificate_timestamp_must_be_there_and_verify() {
    let case = Case::keyless();
    let (log, template) = (&case.sigstore.ct_log, template(&case));
    let good = log.submit(&template, &issuer(&case), NOW);
    assert_eq!(code(&case, &template, std::slice::from_ref(&good)), Code::Accepted);
    assert_eq!(code_of(&case, &template), Code::SctMissing);
    let changed = |edit: &dyn Fn(&mut Sct)| {
        let mut sct = good.clone();
        edit(&mut sct);
        code(&case, &template, &[sct])
    };
    assert_eq!(changed(&|sct| sct.timestamp += 1), Code::SctInvalid);
    assert_eq!(changed(&|sct| sct.signature[20] ^= 1), Code::SctInvalid);
    assert_eq!(changed(&|sct| sct.extensions = ct::leaf_index(1)), Code::SctInvalid);
    assert_eq!(changed(&|sct| sct.log_id[0] ^= 1), Code::SctLogUnknown);
    // What the timestamp says of its own algorithm must be what the log's key makes.
    assert_eq!(changed(&|sct| sct.hash_algorithm = 2), Code::SctInvalid);
    assert_eq!(changed(&|sct| sct.signature_algorithm = 1), Code::SctInvalid);
}

/// static-ct-api logs put the leaf's index there; it is signed, and changes nothing else.
#[test]
fn a_certificate_timestamp_with_extensions_counts() {
    let mut case = Case::keyless();
    case.sigstore.ct_log.extensions = ct::leaf_index(0x70);
    let template = template(&case);
    let good = case.sigstore.ct_log.submit(&template, &issuer(&case), NOW);
    assert!(!good.extensions.is_empty());
    assert_eq!(code(&case, &template, std::slice::from_ref(&good)), Code::Accepted);
    let mut without = good;
    without.extensions.clear();
    assert_eq!(code(&case, &template, &[without]), Code::SctInvalid);
}

/// K-TL-18 (sigstore-rust #154): of two authorities of one name the one that issued the certificate is the issuer.
#[test]
fn the_issuer_is_the_one_that_was_verified_and_not_one_of_that_name() {
    let mut case = Case::keyless();
    let twin = Sigstore::new(2).fulcio;
    assert_eq!(twin.intermediate.template.subject, case.sigstore.fulcio.intermediate.template.subject);
    assert_ne!(twin.intermediate.key.id(), case.sigstore.fulcio.intermediate.key.id());
    let template = template(&case);
    let log = case.sigstore.ct_log.clone();
    let own = log.submit(&template, &issuer(&case), NOW);
    let twins = log.submit(&template, &twin.intermediate.key.spki(), NOW);
    let root = case.sigstore.trusted_root();
    let mut reversed = root.clone().fulcio(&twin);
    reversed.certificate_authorities.reverse();
    for trusted in [root.clone().fulcio(&twin), reversed] {
        case.trusted = Some(trusted);
        assert_eq!(code(&case, &template, std::slice::from_ref(&own)), Code::Accepted);
        assert_eq!(code(&case, &template, std::slice::from_ref(&twins)), Code::SctInvalid);
    }
}

/// K-TL-18: a timestamp is over one certificate, by a log that was valid then.
#[test]
fn a_certificate_timestamp_of_another_certificate_or_a_retired_log_is_refused() {
    let mut case = Case::keyless();
    let template = template(&case);
    let mut other = template.clone();
    other.serial[5] ^= 1;
    let foreign = case.sigstore.ct_log.submit(&other, &issuer(&case), NOW);
    assert_eq!(code(&case, &template, &[foreign]), Code::SctInvalid);

    let good = [case.sigstore.ct_log.submit(&template, &issuer(&case), NOW)];
    let at = |seconds| NOW.saturating_add_seconds(seconds);
    let rows = [
        (Validity::between(NOW, NOW), Code::Accepted),
        (Validity::between(at(-60), at(-1)), Code::SctOutsideWindow),
        (Validity::between(at(1), at(60)), Code::SctOutsideWindow),
    ];
    for (window, expected) in rows {
        case.sigstore.ct_log.window = window;
        assert_eq!(code(&case, &template, &good), expected, "{window}");
    }
}

/// A log that nobody trusts neither counts nor speaks against the certificate; one good timestamp suffices.
#[test]
fn one_good_certificate_timestamp_beside_others_suffices() {
    let case = Case::keyless();
    let template = template(&case);
    let stranger = CtLog::new("https://ctfe.elsewhere.example", &Seed::new(9), case.sigstore.ct_log.window);
    let good = case.sigstore.ct_log.submit(&template, &issuer(&case), NOW);
    let unknown = stranger.submit(&template, &issuer(&case), NOW);
    let mut bad = good.clone();
    bad.signature[20] ^= 1;
    assert_eq!(code(&case, &template, std::slice::from_ref(&unknown)), Code::SctLogUnknown);
    assert_eq!(code(&case, &template, &[unknown.clone(), good.clone()]), Code::Accepted);
    assert_eq!(code(&case, &template, &[bad.clone(), good]), Code::Accepted);
    assert_eq!(code(&case, &template, &[bad, unknown]), Code::SctInvalid);
}

#[test]
fn a_list_that_is_not_strictly_one_is_malformed() {
    let case = Case::keyless();
    let template = template(&case);
    let good = ct::sct_list(&[case.sigstore.ct_log.submit(&template, &issuer(&case), NOW)]);
    let changed = |edit: &dyn Fn(&mut Extension)| {
        let (mut list, mut template) = (good.clone(), template.clone());
        edit(&mut list);
        template.set(list);
        code_of(&case, &template)
    };
    assert_eq!(changed(&|_| {}), Code::Accepted);
    assert_eq!(changed(&|list| list.value.push(0)), Code::SctMalformed);
    assert_eq!(changed(&|list| list.value.truncate(10)), Code::SctMalformed);
    assert_eq!(changed(&|list| list.value.clear()), Code::SctMalformed);
    assert_eq!(code(&case, &template, &[]), Code::SctMalformed);
    // Twice in one certificate: which of the two was it that was cut out?
    let mut twice = template.clone();
    twice.set(good.clone());
    twice.extensions.push(good);
    assert_eq!(code_of(&case, &twice), Code::CertificateMalformed);
    assert_eq!(extension::SCT_LIST, twice.extensions.last().unwrap().oid);
}

/// A certificate authority of one's own may keep no log; that is said by name, and shown.
#[test]
fn where_certificate_transparency_is_ignored_the_report_says_so() {
    let mut case = Case::keyless();
    case.settings = Settings { sct: SctMode::Ignored, ..Settings::default() };
    let template = template(&case);
    assert_eq!(code_of(&case, &template), Code::Accepted);
    let leaf = template.sign(&case.sigstore.fulcio.intermediate.key);
    case.signer = Signer::certificate(case.signer.key.clone(), leaf, Vec::new());
    let bundle = case.message();
    assert_eq!(case.report(&bundle).weakened_codes(), [Code::SctIgnored]);
}
