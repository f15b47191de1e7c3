//! Trust domains: which trust roots vouch for the same people. What thresholds count as one signer depends on it.

use crate::trust::TrustRoot;

/// The trust domain of each root, by number. Roots that share the key of a certificate authority are one domain, directly
/// or through others: two versions of one root must not let a person count twice, while the same name under two
/// authorities that have nothing in common is two.
pub(crate) fn domains(roots: &[&TrustRoot]) -> Vec<usize> {
    let mut domains: Vec<usize> = (0..roots.len()).collect();
    for (index, root) in roots.iter().enumerate() {
        for (other, earlier) in roots.iter().enumerate().take(index) {
            let (Some(&mine), Some(&theirs)) = (domains.get(index), domains.get(other)) else { continue };
            if mine != theirs && share_an_authority(root, earlier) {
                domains.iter_mut().filter(|domain| **domain == mine).for_each(|domain| *domain = theirs);
            }
        }
    }
    domains
}

fn share_an_authority(left: &TrustRoot, right: &TrustRoot) -> bool {
    left.fingerprint() == right.fingerprint() || {
        // Anchors and what stands below them: one root may name as its anchor what is an intermediate in the other.
        let keys = |root: &TrustRoot| -> Vec<Vec<u8>> {
            let chains = root.authorities.iter().flat_map(|authority| &authority.chain);
            chains.map(|certificate| certificate.spki().to_vec()).collect()
        };
        let theirs = keys(right);
        keys(left).iter().any(|key| theirs.contains(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn roots_without_a_common_authority_are_domains_of_their_own() {
        let (public, staging, github) =
            (TrustRoot::sigstore().unwrap(), TrustRoot::sigstore_staging().unwrap(), TrustRoot::github().unwrap());
        let found = domains(&[&public, &staging, &public, &github]);
        assert_eq!(found[0], found[2]);
        assert!(found[0] != found[1] && found[1] != found[3] && found[0] != found[3], "{found:?}");
        assert_eq!(domains(&[]), Vec::<usize>::new());
    }

    /// Two versions of one root are one domain, whatever else changed; and so is a root twice that has no authority at all.
    #[test]
    fn one_common_key_or_the_same_root_makes_one_domain() {
        let version = |change: &dyn Fn(&mut serde_json::Value)| {
            let mut document = serde_json::from_str(crate::trust::embedded::SIGSTORE.json).unwrap();
            change(&mut document);
            TrustRoot::from_json(document.to_string().as_bytes(), crate::trust::TrustRootOrigin::default()).unwrap()
        };
        let public = TrustRoot::sigstore().unwrap();
        let newer = version(&|document| document["tlogs"][0]["baseUrl"] = "https://other.example".into());
        let fewer = version(&|document| drop(document["certificateAuthorities"].as_array_mut().unwrap().remove(1)));
        let none = || version(&|document| document["certificateAuthorities"] = serde_json::json!([]));
        assert_ne!(public.fingerprint(), newer.fingerprint());
        assert_eq!(domains(&[&public, &newer, &fewer]), [0, 0, 0]);
        assert_eq!(domains(&[&none(), &none(), &public]), [0, 0, 2]);
        // What joins two that were apart.
        let second = version(&|document| drop(document["certificateAuthorities"].as_array_mut().unwrap().remove(0)));
        let joined = domains(&[&fewer, &second, &public]);
        assert!(joined[0] == joined[1] && joined[1] == joined[2], "{joined:?}");
    }
}
