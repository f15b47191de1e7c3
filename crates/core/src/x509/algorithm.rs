//! Signature algorithms of certificates: which AlgorithmIdentifiers are understood, as whole encodings (RFC 4055, RFC
//! 5758, RFC 8410).
//!
//! SHA-1, MD5 and DSA are absent, and so never verify.

use crate::crypto::Scheme;
use crate::digest::HashAlgorithm::{self, Sha256, Sha384, Sha512};
use crate::encoding::der::{DerError, Tlv, tag};
use const_oid::ObjectIdentifier;

const RSA_PSS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.10");
const MGF1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113549.1.1.8");

/// Complete AlgorithmIdentifiers with fixed parameters.
const FIXED: [(&[u8], Scheme); 7] = [
    (&[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 11, 5, 0], Scheme::RsaPkcs1(Sha256)),
    (&[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 12, 5, 0], Scheme::RsaPkcs1(Sha384)),
    (&[0x30, 0x0d, 6, 9, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 1, 1, 13, 5, 0], Scheme::RsaPkcs1(Sha512)),
    (&[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 2], Scheme::Ecdsa(Sha256)),
    (&[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 3], Scheme::Ecdsa(Sha384)),
    (&[0x30, 0x0a, 6, 8, 0x2a, 0x86, 0x48, 0xce, 0x3d, 4, 3, 4], Scheme::Ecdsa(Sha512)),
    (&[0x30, 0x05, 6, 3, 0x2b, 0x65, 0x70], Scheme::Ed25519),
];

/// Complete AlgorithmIdentifiers of hashes, with NULL or absent parameters (RFC 5754 §2 allows both).
const HASHES: [(&[u8], HashAlgorithm); 6] = [
    (&[0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1, 5, 0], Sha256),
    (&[0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2, 5, 0], Sha384),
    (&[0x30, 0x0d, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3, 5, 0], Sha512),
    (&[0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 1], Sha256),
    (&[0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 2], Sha384),
    (&[0x30, 0x0b, 6, 9, 0x60, 0x86, 0x48, 1, 0x65, 3, 4, 2, 3], Sha512),
];

/// The scheme that a DER AlgorithmIdentifier of a signature names; `None` for one that is not understood.
///
/// For RSASSA-PSS the parameters must say one hash throughout, a salt at least as long, and the usual trailer: the
/// SHA-1 defaults of RFC 4055 are refused.
#[must_use]
pub fn signature_scheme(algorithm: &[u8]) -> Option<Scheme> {
    if let Some((_, scheme)) = FIXED.iter().find(|(encoding, _)| *encoding == algorithm) {
        return Some(*scheme);
    }
    pss(algorithm).ok().flatten()
}

/// The hash that a DER AlgorithmIdentifier names; `None` for one that is not understood.
#[must_use]
pub fn hash_algorithm(algorithm: &[u8]) -> Option<HashAlgorithm> {
    HASHES.iter().find(|(encoding, _)| *encoding == algorithm).map(|(_, hash)| *hash)
}

fn pss(algorithm: &[u8]) -> Result<Option<Scheme>, DerError> {
    let mut fields = Tlv::parse(algorithm)?.reader();
    if fields.expect(tag::OID)?.oid()? != RSA_PSS {
        return Ok(None);
    }
    let parameters = fields.expect(tag::SEQUENCE)?;
    fields.finish()?;

    let mut parameters = parameters.reader();
    let hash = parameters.expect(tag::constructed(0))?;
    let mask = parameters.expect(tag::constructed(1))?;
    let salt = parameters.expect(tag::constructed(2))?;
    let trailer = parameters.optional(tag::constructed(3))?;
    parameters.finish()?;

    let Some(hash) = hash_algorithm(hash.value()) else { return Ok(None) };
    let mut mask = Tlv::parse(mask.value())?.reader();
    let generator = mask.expect(tag::OID)?.oid()?;
    let mask_hash = hash_algorithm(mask.expect(tag::SEQUENCE)?.raw());
    mask.finish()?;
    let salt = Tlv::parse(salt.value())?.small_unsigned()?;
    let trailer = match trailer {
        Some(trailer) => Tlv::parse(trailer.value())?.small_unsigned()?,
        None => 1,
    };
    let long_enough = usize::try_from(salt).is_ok_and(|salt| salt >= hash.length());
    Ok((generator == MGF1 && mask_hash == Some(hash) && long_enough && trailer == 1).then_some(Scheme::RsaPss(hash)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const PSS_SHA256: &str = concat!(
        "304106092a864886f70d01010a3034a00f300d06096086480165030402010500",
        "a11c301a06092a864886f70d010108300d06096086480165030402010500a203020120"
    );

    fn scheme(hex: &str) -> Option<Scheme> {
        signature_scheme(&crate::encoding::hex::decode(hex).unwrap())
    }

    #[test]
    fn known_algorithms_are_whole_encodings() {
        assert_eq!(scheme("300d06092a864886f70d01010b0500"), Some(Scheme::RsaPkcs1(Sha256)));
        assert_eq!(scheme("300a06082a8648ce3d040303"), Some(Scheme::Ecdsa(Sha384)));
        assert_eq!(scheme("300506032b6570"), Some(Scheme::Ed25519));
        assert_eq!(scheme(PSS_SHA256), Some(Scheme::RsaPss(Sha256)));
        for bad in [
            "300d06092a864886f70d0101050500",
            "300d06092a864886f70d0101040500",
            "300b06092a864886f70d01010b",
            "300c06082a8648ce3d0403020500",
            "300706032b65700500",
            "300b06072a8648ce3804030500",
            "",
        ] {
            assert_eq!(scheme(bad), None, "{bad}");
        }
    }

    #[test]
    fn pss_parameters_name_one_strong_hash_and_a_long_salt() {
        for (from, to) in [("a203020120", "a20302011f"), ("010500a11c", "020500a11c"), ("010108", "010109")] {
            assert_eq!(scheme(&PSS_SHA256.replace(from, to)), None, "{to}");
        }
        // All defaults: SHA-1.
        assert_eq!(scheme("300d06092a864886f70d01010a3000"), None);
    }
}
