use super::super::forge::{Forge, extension, key, spki};
use super::super::oid;
use super::super::sct::{PrecertificateEntry, embedded};
use crate::code::Code;
use crate::crypto::PreparedKey;
use crate::digest::sha256;
use crate::encoding::der::{element, tag};
use crate::encoding::hex;
use crate::key::PublicKey;
use p256::ecdsa::Signature;
use p256::ecdsa::signature::Signer;

const LOG: u8 = 50;
const MILLIS: u64 = 1_700_000_000_123;
/// leaf_index 0x70 of static-ct-api.
const LEAF_INDEX: [u8; 8] = [0, 0, 5, 0, 0, 0, 0, 0x70];

fn vector(bytes: &[u8]) -> Vec<u8> {
    [&u16::try_from(bytes.len()).unwrap().to_be_bytes()[..], bytes].concat()
}

struct Stamp {
    version: u8,
    log: u8,
    extensions: Vec<u8>,
    algorithm: [u8; 2],
    /// What was signed instead, if not what should be.
    tbs: Vec<u8>,
    issuer: u8,
}

impl Stamp {
    fn new(tbs: Vec<u8>) -> Self {
        Self { version: 0, log: LOG, extensions: LEAF_INDEX.to_vec(), algorithm: [4, 3], tbs, issuer: 1 }
    }

    fn bytes(&self) -> Vec<u8> {
        let tbs_length = u32::try_from(self.tbs.len()).unwrap().to_be_bytes();
        let signed = [
            &[0, 0][..],
            &MILLIS.to_be_bytes(),
            &[0, 1],
            &sha256(&spki(self.issuer)),
            &tbs_length[1..],
            &self.tbs,
            &vector(&self.extensions),
        ]
        .concat();
        let signature: Signature = key(self.log).sign(&signed);
        [
            &[self.version][..],
            &sha256(&spki(self.log)),
            &MILLIS.to_be_bytes(),
            &vector(&self.extensions),
            &self.algorithm,
            &vector(signature.to_der().as_bytes()),
        ]
        .concat()
    }
}

fn list(stamps: &[Vec<u8>]) -> Vec<u8> {
    let all: Vec<u8> = stamps.iter().flat_map(|stamp| vector(stamp)).collect();
    element(tag::OCTET_STRING, &vector(&all))
}

fn with_list(forge: &Forge, value: &[u8]) -> Forge {
    forge.clone().with(extension(&oid::SCT_LIST, false, value))
}

fn log(number: u8) -> PreparedKey {
    PreparedKey::new(PublicKey::from_spki(&spki(number)).unwrap()).unwrap()
}

/// The outcome of the first timestamp of a certificate issued by key 1.
fn outcome(forge: &Forge) -> Option<Code> {
    let certificate = forge.make();
    let stamps = embedded(&certificate).unwrap();
    let entry = PrecertificateEntry::new(&certificate, &spki(1)).unwrap();
    stamps[0].verify(&log(LOG), &entry).err().map(|failure| failure.code())
}

#[test]
fn an_embedded_timestamp_covers_the_certificate_without_the_list() {
    let plain = Forge::leaf("ca", 1);
    let forge = with_list(&plain, &list(&[Stamp::new(plain.tbs()).bytes()]));
    assert_eq!(outcome(&forge), None);
    let certificate = forge.make();
    let stamp = embedded(&certificate).unwrap().remove(0);
    assert_eq!(stamp.timestamp().to_string(), "2023-11-14T22:13:20.123Z");
    assert_eq!(stamp.extensions(), LEAF_INDEX);
    assert_eq!(stamp.log_id(), log(LOG).key().id());
}

/// The list may stand anywhere among the extensions, and alone: then the field itself is gone.
#[test]
fn the_list_is_cut_out_wherever_it_stands() {
    let plain = Forge::leaf("ca", 1);
    let value = list(&[Stamp::new(plain.tbs()).bytes()]);
    for at in 0..=plain.extensions.len() {
        let mut forge = plain.clone();
        forge.extensions.insert(at, extension(&oid::SCT_LIST, false, &value));
        assert_eq!(outcome(&forge), None, "{at}");
    }
    let bare = Forge::new("x", 2, "ca", 1);
    assert_eq!(outcome(&with_list(&bare, &list(&[Stamp::new(bare.tbs()).bytes()]))), None);
    // Long enough that lengths take one octet more with the list than without it.
    let long = Forge::new(&"x".repeat(100), 2, "ca", 1);
    assert_eq!(outcome(&with_list(&long, &list(&[Stamp::new(long.tbs()).bytes()]))), None);
}

/// Spec 04 §9.
#[test]
fn a_timestamp_over_something_else_is_invalid() {
    let plain = Forge::leaf("ca", 1);
    let invalid = Some(Code::SctInvalid);
    let good = || Stamp::new(plain.tbs());
    let judge = |stamp: Stamp| outcome(&with_list(&plain, &list(&[stamp.bytes()])));
    assert_eq!(judge(good()), None);
    let other = Forge { serial: vec![9], ..plain.clone() };
    assert_eq!(judge(Stamp { tbs: other.tbs(), ..good() }), invalid);
    let mut reordered = plain.clone();
    reordered.extensions.swap(0, 1);
    assert_eq!(judge(Stamp { tbs: reordered.tbs(), ..good() }), invalid);
    assert_eq!(judge(Stamp { issuer: 3, ..good() }), invalid);
    assert_eq!(judge(Stamp { algorithm: [4, 1], ..good() }), invalid);
    assert_eq!(judge(Stamp { algorithm: [2, 3], ..good() }), invalid);
    assert_eq!(judge(Stamp { log: 51, ..good() }), Some(Code::SctLogUnknown));
    // Signed with the leaf index, then stripped of it.
    let mut stripped = good().bytes();
    stripped.splice(41..51, [0, 0]);
    assert_eq!(outcome(&with_list(&plain, &list(&[stripped]))), invalid);
}

#[test]
fn a_malformed_list_is_refused() {
    let plain = Forge::leaf("ca", 1);
    let good = Stamp::new(plain.tbs()).bytes();
    let code = |value: &[u8]| embedded(&with_list(&plain, value).make()).err().map(|failure| failure.code());
    assert_eq!(code(&list(&[good.clone(), good.clone()])), None);
    let inner = |bytes: &[u8]| element(tag::OCTET_STRING, bytes);
    let all = vector(&vector(&good));
    for bad in [
        inner(&vector(&[])),
        inner(&[&all[..], &[0]].concat()),
        inner(&all[..all.len() - 1]),
        inner(&vector(&[&vector(&good)[..], &[0]].concat())),
        list(&[[&good[..], &[0]].concat()]),
        list(&[good[..good.len() - 1].to_vec()]),
        list(&[vec![]]),
        [list(&[good.clone()]), vec![0]].concat(),
        vec![],
        element(tag::BIT_STRING, &all),
        list(&vec![good.clone(); 33]),
    ] {
        assert_eq!(code(&bad), Some(Code::SctMalformed), "{bad:02x?}");
    }
    assert_eq!(embedded(&plain.make()).unwrap_err().code(), Code::SctMissing);
    assert_eq!(PrecertificateEntry::new(&plain.make(), &spki(1)).unwrap_err().code(), Code::SctMissing);
}

#[test]
fn a_timestamp_of_another_version_is_left_out() {
    let plain = Forge::leaf("ca", 1);
    let later = Stamp { version: 1, ..Stamp::new(plain.tbs()) }.bytes();
    let good = Stamp::new(plain.tbs()).bytes();
    let count = |stamps: &[Vec<u8>]| embedded(&with_list(&plain, &list(stamps)).make()).unwrap().len();
    assert_eq!(count(&[later.clone(), good]), 1);
    assert_eq!(count(&[later]), 0);
}

/// Vector of spec 13 §5.
#[test]
fn the_signed_structure_is_that_of_the_specification() {
    let plain = Forge::leaf("ca", 1);
    let certificate = with_list(&plain, &list(&[Stamp::new(plain.tbs()).bytes()])).make();
    let stamp = embedded(&certificate).unwrap().remove(0);
    let tbs = hex::decode("3003020101").unwrap();
    let entry = PrecertificateEntry::of_parts(sha256(b"issuer"), &tbs);
    let expected = concat!(
        "00000000018bcfe5687b0001",
        "535c6f8eb511f5d966a1b0725df92ebf27514faba945cbbd698e23ac72c41757",
        "000005300302010100080000050000000070"
    );
    assert_eq!(hex::encode(&stamp.signed_data(&entry)), expected);
    assert_eq!(
        hex::encode(&sha256(&stamp.signed_data(&entry))),
        "cda16f13690d32230161ca3e08c9f76656618b77e2163c525c24a478cb7af670"
    );
}
