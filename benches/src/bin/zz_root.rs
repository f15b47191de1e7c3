use benches::material::{Kind, Set};
fn main() {
    let set = Set::make(Kind::KeylessV1, 1);
    let json = set.trusted_root.clone();
    go(&json);
}
#[inline(never)]
fn go(json: &[u8]) {
    for _ in 0..1000 {
        std::hint::black_box(veriseal::TrustRoot::from_json(json, veriseal::trust::TrustRootOrigin::default()).is_ok());
    }
}
