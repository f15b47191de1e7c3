//! Fixed-base tables: ECDSA verification without doublings for keys that are known before a signature is seen.
//!
//! A table holds the multiples of one point for every window of a scalar, so that u1·G + u2·Q is a sum of table entries
//! (Brickell, Gordon, McCurley, Wilson 1992), with signed digits, so that half of the multiples suffice. Everything here
//! is public data: signatures, digests and public keys; time may depend on it.
//!
//! The additions are the complete formulas of `primeorder` (Renes, Costello, Batina 2015): the sums P + P, P − P and those
//! with the point at infinity need no case of their own.
#![allow(clippy::arithmetic_side_effects, reason = "points and scalars form groups and fields: their operations are total")]

use ecdsa::elliptic_curve::BatchNormalize;
use ecdsa::elliptic_curve::bigint::{BitOps, Encoding, Invert};
use ecdsa::elliptic_curve::ff::PrimeField;
use ecdsa::elliptic_curve::ops::Reduce;
use ecdsa::elliptic_curve::point::AffineCoordinates;
use ecdsa::elliptic_curve::{Curve, Scalar};
use ecdsa::{EcdsaCurve, Signature};
use primeorder::{AffinePoint, PrimeCurveParams, ProjectivePoint};

/// Bits of a window.
const WIDTH: usize = 6;

/// Multiples in a window: digits are signed, −32 to 32.
const MULTIPLES: usize = 1 << (WIDTH - 1);

/// The multiples of one point: 43 windows and 99 KB for P-256, 65 windows and 216 KB for P-384.
pub(super) struct FixedBase<C: PrimeCurveParams> {
    /// [`MULTIPLES`] a window, the least significant window first: d·2^(6·w)·P for d from 1.
    points: Vec<AffinePoint<C>>,
}

impl<C: PrimeCurveParams> FixedBase<C> {
    pub(super) fn new(point: &AffinePoint<C>) -> Self {
        let windows = (bits::<C>() + 1).div_ceil(WIDTH);
        let mut points = Vec::with_capacity(windows * MULTIPLES);
        let mut base = ProjectivePoint::<C>::from(*point);
        for _ in 0..windows {
            let mut multiple = base;
            points.push(multiple);
            for _ in 1..MULTIPLES {
                multiple += &base;
                points.push(multiple);
            }
            // 2 · 32·P is where the next window begins.
            base = multiple + multiple;
        }
        // One inversion for all of them.
        Self { points: ProjectivePoint::<C>::batch_normalize(points.as_slice()) }
    }

    /// Adds `scalar` times the point to `sum`.
    fn add(&self, sum: &mut ProjectivePoint<C>, scalar: &Scalar<C>) {
        let big_endian = scalar.to_repr();
        let bytes = || big_endian.iter().rev().copied();
        // Signed digits: one above 32 is taken as itself less 64, and one more of the next window. The last window is wide
        // enough for what is carried into it.
        let mut carry = 0_u16;
        for (digit, window) in digits(bytes()).zip(self.points.chunks_exact(MULTIPLES)) {
            let digit = usize::from(digit + carry);
            carry = u16::from(digit > MULTIPLES);
            let point = |distance: usize| distance.checked_sub(1).and_then(|index| window.get(index));
            if carry == 0 {
                if let Some(point) = point(digit) {
                    *sum += point;
                }
            } else if let Some(point) = point(2 * MULTIPLES - digit) {
                *sum -= point;
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
    let mut sum = ProjectivePoint::<C>::IDENTITY;
    generator.add(&mut sum, &(reduced::<C>(prehash) * s_inverse));
    key.add(&mut sum, &(*r * s_inverse));
    // The point at infinity has no x coordinate; what stands in its place is 0, and r is not.
    reduced::<C>(&sum.to_affine().x()) == *r
}

/// The leftmost bits of a digest, or an x coordinate, modulo the order (FIPS 186-5 §6.4.2, steps 2 and 6).
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

    fn times<C: PrimeCurveParams>(table: &FixedBase<C>, scalar: &Scalar<C>) -> ProjectivePoint<C> {
        let mut sum = ProjectivePoint::<C>::IDENTITY;
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
        let table = FixedBase::<C>::new(&generator);
        for scalar in edges::<C>() {
            assert_eq!(times(&table, &scalar), ProjectivePoint::<C>::generator() * scalar, "{scalar:?}");
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
        let table = FixedBase::<NistP256>::new(&AffinePoint::<NistP256>::GENERATOR);
        for scalar in edges::<NistP256>().into_iter().step_by(9) {
            let mut doubled = times(&table, &scalar);
            table.add(&mut doubled, &scalar);
            assert_eq!(doubled, times(&table, &(scalar + scalar)));
            let mut nothing = times(&table, &scalar);
            table.add(&mut nothing, &-scalar);
            assert_eq!(nothing, ProjectivePoint::<NistP256>::IDENTITY);
        }
    }
}
