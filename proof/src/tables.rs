//! Checks by table against the curves' own arithmetic, from seed and number.
//!
//! For a key Q and numbers u₁ and u₂ the curve's crate computes R = u₁·G + u₂·Q. With r the x coordinate of R, and s = r/u₂, the
//! pair is a signature of Q over the digest u₁·s, and to check it by table is to compute that very sum. The numbers of a chunk
//! are two progressions with random starts and steps, so that R takes one addition by complete formulas; the last R of
//! each chunk is computed anew. Every eighth digest is changed too, and must be refused; every 512th pair is asked
//! of the check without a table.

use ecdsa::EcdsaCurve;
use ecdsa::elliptic_curve::bigint::{BitOps, Encoding, Invert};
use ecdsa::elliptic_curve::ff::{Field, PrimeField};
use ecdsa::elliptic_curve::ops::Reduce;
use ecdsa::elliptic_curve::point::{AffineCoordinates, DecompressPoint};
use ecdsa::elliptic_curve::{BatchNormalize, FieldBytes, Scalar};
use p256::NistP256;
use p384::NistP384;
use primeorder::{AffinePoint, PrimeCurveParams, ProjectivePoint};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;
use veriseal::PublicKey;
use veriseal::crypto::{Backend, KeyTables, PreparedKey, Scheme, SignatureError, ecdsa_fixed_to_der, verify_prehash};
use veriseal::digest::HashAlgorithm;
use veriseal::key::KeyKind;
use veriseal_testkit::mutation::Random;

/// Comparisons with one key; even chunks are of P-256, odd ones of P-384.
pub(crate) const CHUNK: u64 = 4096;

/// What a run found.
#[derive(Default)]
pub(crate) struct Found {
    /// Sums that agreed or did not, changed digests included.
    pub(crate) compared: u64,
    /// Those at edges: small numbers and their opposites, equal and opposite summands, infinity, an x of the order or more.
    pub(crate) edges: u64,
    pub(crate) wrong: Vec<String>,
}

impl Found {
    fn add(&mut self, other: Self) {
        self.compared += other.compared;
        self.edges += other.edges;
        self.wrong.extend(other.wrong);
    }

    pub(crate) fn is_good(&self, asked: u64) -> bool {
        self.wrong.is_empty() && self.edges > 0 && self.compared >= self.edges + asked
    }
}

/// The edges, and the chunks from that of `first` on that hold `count` comparisons.
pub(crate) fn run(seed: u64, first: u64, count: u64, threads: usize) -> (Found, f64) {
    let begun = Instant::now();
    let (start, end) = (first / CHUNK, (first + count).div_ceil(CHUNK));
    let next = AtomicU64::new(start);
    let all = Mutex::new(Found::default());
    let keep = |found| all.lock().unwrap_or_else(PoisonError::into_inner).add(found);
    keep(edges::<NistP256>());
    keep(edges::<NistP384>());
    std::thread::scope(|scope| {
        for _ in 0..threads.max(1) {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= end {
                        return;
                    }
                    keep(if number.is_multiple_of(2) {
                        chunk::<NistP256>(seed, number)
                    } else {
                        chunk::<NistP384>(seed, number)
                    });
                }
            });
        }
    });
    (all.into_inner().unwrap_or_else(PoisonError::into_inner), begun.elapsed().as_secs_f64())
}

/// What a curve is called here and in keys.
trait Named: EcdsaCurve + PrimeCurveParams {
    const KIND: KeyKind;
    const HASH: HashAlgorithm;
    /// A SubjectPublicKeyInfo up to the coordinates of the point.
    const SPKI: &'static [u8];
}

impl Named for NistP256 {
    const KIND: KeyKind = KeyKind::EcdsaP256;
    const HASH: HashAlgorithm = HashAlgorithm::Sha256;
    const SPKI: &'static [u8] =
        b"\x30\x59\x30\x13\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x08\x2a\x86\x48\xce\x3d\x03\x01\x07\x03\x42\x00\x04";
}

impl Named for NistP384 {
    const KIND: KeyKind = KeyKind::EcdsaP384;
    const HASH: HashAlgorithm = HashAlgorithm::Sha384;
    const SPKI: &'static [u8] =
        b"\x30\x76\x30\x10\x06\x07\x2a\x86\x48\xce\x3d\x02\x01\x06\x05\x2b\x81\x04\x00\x22\x03\x62\x00\x04";
}

/// A key with its table, and without.
struct Key<C: Named> {
    point: ProjectivePoint<C>,
    tabled: PreparedKey,
    generic: PreparedKey,
}

impl<C: Named> Key<C> {
    fn new(point: ProjectivePoint<C>, tables: &Arc<KeyTables>) -> Self {
        let affine = point.to_affine();
        let spki = [C::SPKI, &affine.x(), &affine.y()].concat();
        let key = PublicKey::from_spki(&spki).expect("a point of the curve is a key");
        let [tabled, generic] = [key.clone(), key]
            .map(|key| PreparedKey::with_backend(key, Backend::RustCrypto).expect("what was read can be prepared"));
        tabled.with_tables(tables);
        let made = Self { point, tabled, generic };
        // Keys have tables after a few uses.
        let before = tables.made();
        for _ in 0..64 {
            if tables.made() > before {
                return made;
            }
            let _ = verify_prehash(
                &made.tabled,
                Scheme::Ecdsa(C::HASH),
                &vec![0; C::HASH.length()],
                &made.signature(&Scalar::<C>::ONE, &Scalar::<C>::ONE),
            );
        }
        panic!("no table was made");
    }

    fn sum(&self, u1: &Scalar<C>, u2: &Scalar<C>) -> ProjectivePoint<C> {
        ProjectivePoint::<C>::GENERATOR * *u1 + self.point * *u2
    }

    fn signature(&self, r: &Scalar<C>, s: &Scalar<C>) -> Vec<u8> {
        ecdsa_fixed_to_der(C::KIND, &[r.to_repr(), s.to_repr()].concat()).expect("r and s of the curve's length")
    }

    /// One signature, with what the check by table must say.
    fn check(
        &self,
        digest: &[u8],
        signature: &[u8],
        expected: Result<(), SignatureError>,
        generic: bool,
        found: &mut Found,
        what: &dyn Fn() -> String,
    ) {
        let answer = verify_prehash(&self.tabled, Scheme::Ecdsa(C::HASH), digest, signature);
        found.compared += 1;
        if answer != expected {
            found.wrong.push(format!("{}: {answer:?} by table", what()));
        }
        if generic && verify_prehash(&self.generic, Scheme::Ecdsa(C::HASH), digest, signature) != expected {
            found.wrong.push(format!("{}: not {expected:?} without a table", what()));
        }
    }
}

/// A number modulo the order, by its bytes.
fn reduced<C: Named>(bytes: &[u8]) -> Scalar<C> {
    <Scalar<C> as Reduce<C::Uint>>::reduce(&C::Uint::from_be_slice_truncated(bytes, C::ORDER.bits()))
}

fn random<C: Named>(random: &mut Random) -> Scalar<C> {
    let bytes: Vec<u8> = (0..C::HASH.length()).map(|_| random.byte()).collect();
    reduced::<C>(&bytes)
}

fn inverse<C: Named>(scalar: &Scalar<C>) -> Scalar<C> {
    Option::from(scalar.invert_vartime()).unwrap_or(Scalar::<C>::ZERO)
}

fn chunk<C: Named>(seed: u64, number: u64) -> Found {
    let mut from = Random::new(seed, "tables", number);
    let [secret, mut u1, u1_step, mut u2, u2_step] = [(); 5].map(|()| random::<C>(&mut from));
    let key = Key::<C>::new(ProjectivePoint::<C>::GENERATOR * secret, &Arc::new(KeyTables::new()));
    let mut found = Found::default();

    let (mut sum, step) = (key.sum(&u1, &u2), key.sum(&u1_step, &u2_step));
    let (mut numbers, mut sums) = (Vec::new(), Vec::new());
    for _ in 0..CHUNK {
        numbers.push((u1, u2));
        sums.push(sum);
        (u1, u2, sum) = (u1 + u1_step, u2 + u2_step, sum + step);
    }
    if sum != key.sum(&u1, &u2) {
        found.wrong.push(format!("chunk {number}: the progression itself"));
    }
    // One inversion for all the u₂ (Montgomery).
    let mut before = Vec::new();
    let mut product = Scalar::<C>::ONE;
    for (_, u2) in &numbers {
        before.push(product);
        product *= u2;
    }
    let mut of_rest = inverse::<C>(&product);
    let mut inverses = Vec::new();
    for ((_, u2), before) in numbers.iter().zip(before).rev() {
        inverses.push(of_rest * before);
        of_rest *= u2;
    }
    inverses.reverse();

    let points = ProjectivePoint::<C>::batch_normalize(sums.as_slice());
    for (at, ((u1, _), (point, u2_inverse))) in numbers.iter().zip(points.iter().zip(inverses)).enumerate() {
        let r = reduced::<C>(&point.x());
        let s = r * u2_inverse;
        let (signature, mut digest) = (key.signature(&r, &s), (*u1 * s).to_repr());
        let what = || format!("chunk {number}, comparison {at}");
        let generic = at % 512 == 0;
        key.check(&digest, &signature, Ok(()), generic, &mut found, &what);
        if at % 8 == 0 {
            let bit = (at / 8) % (8 * digest.len());
            digest[bit / 8] ^= 1 << (bit % 8);
            key.check(&digest, &signature, Err(SignatureError::Invalid), generic, &mut found, &what);
        }
    }
    found
}

/// Sums that meet the exceptional cases of the formulas, and those whose x stands for another number.
fn edges<C: Named>() -> Found {
    let mut found = Found::default();
    let one = Scalar::<C>::ONE;
    let small = |number: u64| Scalar::<C>::from(number);
    let half = inverse::<C>(&small(2));
    let mut tables = Arc::new(KeyTables::new());
    // Numbers about the edges of windows, and their opposites.
    let mut numbers: Vec<Scalar<C>> = [0, 1, 2, 3, 63, 64, 65, 127, 128, 129, 8191, 8192, 8256, 16384].map(small).to_vec();
    numbers.extend([half, small(1 << 63) * small(1 << 63), -(half * small(64))]);
    numbers.extend(numbers.clone().into_iter().skip(1).map(|number| -number));
    // The generator itself, its opposite and what is near to both: summands are equal, or opposite, or cancel.
    for secret in [one, -one, small(2), -small(2), small(64), half, -small(127)] {
        let key = Key::<C>::new(ProjectivePoint::<C>::GENERATOR * secret, &tables);
        // The products once, since they take most of the time.
        let [of_generator, of_key] = [ProjectivePoint::<C>::GENERATOR, key.point]
            .map(|point| numbers.iter().map(|number| point * *number).collect::<Vec<_>>());
        for (at, (u1, first)) in numbers.iter().zip(of_generator).enumerate() {
            for (u2, second) in numbers.iter().zip(&of_key).skip(1) {
                let sum = first + second;
                let r = if sum == ProjectivePoint::<C>::IDENTITY { one } else { reduced::<C>(&sum.to_affine().x()) };
                let s = r * inverse::<C>(u2);
                let digest = (*u1 * s).to_repr();
                let what = || format!("edge: key {secret:?}, u1 {u1:?}, u2 {u2:?}");
                // Infinity has no x, so that no r is right.
                let is_infinity = sum == ProjectivePoint::<C>::IDENTITY;
                let expected = if is_infinity { Err(SignatureError::Invalid) } else { Ok(()) };
                key.check(&digest, &key.signature(&r, &s), expected, is_infinity || at % 8 == 0, &mut found, &what);
            }
        }
    }
    // R with an x of the order or more, and a key that is made for it.
    let order_less_one =
        Option::<C::FieldElement>::from(C::FieldElement::from_repr((-one).to_repr())).expect("less than the prime");
    for distance in 1..40_u64 {
        if distance % 16 == 1 {
            tables = Arc::new(KeyTables::new());
        }
        let x = order_less_one + C::FieldElement::ONE + C::FieldElement::from(distance);
        let x: FieldBytes<C> = x.to_repr();
        let Some(point) = Option::<AffinePoint<C>>::from(AffinePoint::<C>::decompress(&x, 0.into())) else { continue };
        let (u1, u2) = (small(distance) * half, small(7) * half);
        let made_for_it = (ProjectivePoint::<C>::from(point) - ProjectivePoint::<C>::GENERATOR * u1) * inverse::<C>(&u2);
        let key = Key::<C>::new(made_for_it, &tables);
        for (r, expected) in [(small(distance), Ok(())), (small(distance + 1), Err(SignatureError::Invalid))] {
            // The same sum either way.
            let s = r * inverse::<C>(&u2);
            let what = || format!("edge: x = n + {distance}");
            key.check(&(u1 * s).to_repr(), &key.signature(&r, &s), expected, true, &mut found, &what);
        }
    }
    found.edges = found.compared;
    found
}
