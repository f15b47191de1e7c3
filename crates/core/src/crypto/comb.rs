//! Fixed-base tables: ECDSA verification without doublings for keys that are known before a signature is seen.
//!
//! A table holds the multiples of one point for every window of a scalar, so that u1·G + u2·Q is a sum of table entries
//! (Brickell, Gordon, McCurley, Wilson 1992), with signed digits, so that half of the multiples suffice. Everything here
//! is public data: signatures, digests and public keys; time may depend on it.
#![allow(clippy::arithmetic_side_effects, reason = "points and scalars form groups and fields: their operations are total")]

use super::jacobian::{Affine, Jacobian};
use ecdsa::elliptic_curve::bigint::{BitOps, Encoding, Invert};
use ecdsa::elliptic_curve::ff::PrimeField;
use ecdsa::elliptic_curve::ops::Reduce;
use ecdsa::elliptic_curve::{Curve, Scalar};
use ecdsa::{EcdsaCurve, Signature};
use primeorder::{AffinePoint, PrimeCurveParams};

/// Bits of a window.
const WIDTH: usize = 7;

/// Multiples in a window: digits are signed, −64 to 64.
const MULTIPLES: usize = 1 << (WIDTH - 1);

/// The multiples of one point: 37 windows and 152 KB for P-256, 55 windows and 338 KB for P-384.
pub(super) struct FixedBase<C: PrimeCurveParams> {
    /// [`MULTIPLES`] a window, the least significant window first: d·2^(7·w)·P for d from 1.
    points: Vec<Affine<C>>,
}

impl<C: PrimeCurveParams> FixedBase<C> {
    /// `None` for the point at infinity.
    pub(super) fn new(point: &AffinePoint<C>) -> Option<Self> {
        let windows = (bits::<C>() + 1).div_ceil(WIDTH);
        let mut bases = Vec::with_capacity(windows);
        let mut base = Jacobian::of(&Affine::of(point)?);
        for _ in 0..windows {
            let next = (1..WIDTH).fold(base.double(), |doubled, _| doubled.double());
            bases.push(std::mem::replace(&mut base, next));
        }
        // One inversion for all of them, and two more each time that the number of multiples grows threefold.
        let mut multiples: Vec<_> = Affine::of_all(&bases)?.into_iter().map(|base| vec![base]).collect();
        Affine::multiply(&mut multiples, MULTIPLES)?;
        Some(Self { points: multiples.concat() })
    }

    /// Adds `scalar` times the point to `sum`.
    fn add(&self, sum: &mut Jacobian<C>, scalar: &Scalar<C>) {
        let big_endian = scalar.to_repr();
        let bytes = || big_endian.iter().rev().copied();
        // Signed digits: one above 64 is taken as itself less 128, and one more of the next window. The last window is wide
        // enough for what is carried into it.
        let mut carry = 0_u16;
        for (digit, window) in digits(bytes()).zip(self.points.chunks_exact(MULTIPLES)) {
            let digit = usize::from(digit + carry);
            carry = u16::from(digit > MULTIPLES);
            let point = |distance: usize| distance.checked_sub(1).and_then(|index| window.get(index));
            if carry == 0 {
                if let Some(point) = point(digit) {
                    sum.add(point);
                }
            } else if let Some(point) = point(2 * MULTIPLES - digit) {
                sum.subtract(point);
            }
        }
    }
}

/// Whether `signature` is one over `prehash` by the key whose multiples are `key` (FIPS 186-5 §6.4.2). `generator` holds
/// those of the curve's generator. r and s lie in [1, n−1] by their type.
pub(super) fn verify<C>(generator: &FixedBase<C>, key: &FixedBase<C>, prehash: &[u8], signature: &Signature<C>) -> bool
where
    C: EcdsaCurve + PrimeCurveParams,
{
    let (r, s) = signature.split_scalars();
    let s_inverse = *s.invert_vartime();
    let mut sum = Jacobian::<C>::infinity();
    generator.add(&mut sum, &(reduced::<C>(prehash) * s_inverse));
    key.add(&mut sum, &(*r * s_inverse));
    sum.has_x(&r)
}

/// The leftmost bits of a digest, modulo the order (FIPS 186-5 §6.4.2, step 2).
fn reduced<C: EcdsaCurve + PrimeCurveParams>(bytes: &[u8]) -> Scalar<C> {
    let bits = C::ORDER.bits();
    let length = usize::try_from(bits.div_ceil(8)).unwrap_or(usize::MAX);
    let leftmost = bytes.get(..length).unwrap_or(bytes);
    <Scalar<C> as Reduce<C::Uint>>::reduce(&C::Uint::from_be_slice_truncated(leftmost, bits))
}

fn bits<C: Curve>() -> usize {
    usize::try_from(C::ORDER.bits()).unwrap_or(usize::MAX)
}

/// The windows of a number whose bytes come least significant first, without end: zeros follow.
fn digits(bytes: impl Iterator<Item = u8>) -> impl Iterator<Item = u16> {
    let mut bytes = bytes;
    let (mut held, mut count) = (0_u16, 0_usize);
    std::iter::from_fn(move || {
        if count < WIDTH {
            held |= u16::from(bytes.next().unwrap_or(0)) << count;
            count += 8;
        }
        let digit = held & ((1 << WIDTH) - 1);
        held >>= WIDTH;
        count -= WIDTH;
        Some(digit)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use ecdsa::elliptic_curve::Field;
    use ecdsa::elliptic_curve::group::Group;
    use p256::NistP256;
    use p384::NistP384;
    use primeorder::ProjectivePoint;

    fn times<C: PrimeCurveParams>(table: &FixedBase<C>, scalar: &Scalar<C>) -> Jacobian<C> {
        let mut sum = Jacobian::<C>::infinity();
        table.add(&mut sum, scalar);
        sum
    }

    /// Numbers at the edges: around 0, the order, every power of two and every window that carries into the next.
    fn edges<C: PrimeCurveParams>() -> Vec<Scalar<C>> {
        let two = Scalar::<C>::ONE + Scalar::<C>::ONE;
        let mut scalars = vec![Scalar::<C>::ZERO];
        let mut power = Scalar::<C>::ONE;
        let mut carries = Scalar::<C>::ZERO;
        for bit in 0..bits::<C>() {
            // Every fifth power meets every place in a window.
            if bit % 5 == 0 {
                scalars.extend([power, power - Scalar::<C>::ONE, -power]);
            }
            if bit % WIDTH == WIDTH - 1 {
                carries += power;
                if bit % 5 == 0 {
                    scalars.extend([carries, carries + Scalar::<C>::ONE, carries - Scalar::<C>::ONE]);
                }
            }
            power *= two;
        }
        scalars.extend([carries, -carries]);
        scalars
    }

    fn agrees<C: PrimeCurveParams>() {
        let generator = AffinePoint::<C>::GENERATOR;
        let table = FixedBase::<C>::new(&generator).unwrap();
        for scalar in edges::<C>() {
            assert!(times(&table, &scalar).is(&(ProjectivePoint::<C>::generator() * scalar)), "{scalar:?}");
        }
    }

    #[test]
    fn a_table_multiplies_as_the_generic_path_does() {
        agrees::<NistP256>();
        agrees::<NistP384>();
    }

    /// Sums that meet the exceptional cases of incomplete formulas: P + P, P − P, and the point at infinity.
    #[test]
    fn equal_opposite_and_infinite_summands_are_added_right() {
        let table = FixedBase::<NistP256>::new(&AffinePoint::<NistP256>::GENERATOR).unwrap();
        let generator = ProjectivePoint::<NistP256>::generator();
        for scalar in edges::<NistP256>().into_iter().step_by(9) {
            let mut doubled = times(&table, &scalar);
            table.add(&mut doubled, &scalar);
            assert!(doubled.is(&(generator * (scalar + scalar))));
            let mut nothing = times(&table, &scalar);
            table.add(&mut nothing, &-scalar);
            assert!(nothing.is(&ProjectivePoint::<NistP256>::IDENTITY));
        }
    }

    #[test]
    fn the_point_at_infinity_has_no_table() {
        assert!(FixedBase::<NistP256>::new(&AffinePoint::<NistP256>::IDENTITY).is_none());
    }
}
