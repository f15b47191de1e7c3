//! `veriseal codes`.

use crate::stage::veriseal;
use veriseal::Code;

#[test]
fn a_code_is_explained_by_name_in_any_case_and_by_number() {
    for name in ["SIGNED_OTHER_DIGEST", "signed-other-digest", "4"] {
        let said = veriseal(["codes", name]);
        assert_eq!(said.exit, 0, "{said:?}");
        assert!(said.out.starts_with("SIGNED_OTHER_DIGEST (4)\n"), "{said:?}");
        assert!(said.out.contains(Code::SignedOtherDigest.meaning()) && said.out.contains(Code::SignedOtherDigest.action()));
        assert!(said.out.contains("whoever builds and signs the image"), "{said:?}");
    }
}

#[test]
fn all_codes_are_listed() {
    let said = veriseal(["codes"]);
    assert_eq!(said.exit, 0);
    assert_eq!(said.out.lines().count(), Code::ALL.len());
}

#[test]
fn an_unknown_code_is_a_mistake_of_usage() {
    let said = veriseal(["codes", "NO_SUCH_CODE"]);
    assert_eq!(said.exit, 2);
    assert_eq!(said.sentence(), "veriseal: no code is called NO_SUCH_CODE: `veriseal codes` lists them all");
}
