//! Points of a curve in coordinates that fit the sums of table entries: affine ones to add, Jacobian ones to add them to.
//!
//! The formulas are those of every textbook (Hankerson, Menezes, Vanstone, *Guide to Elliptic Curve Cryptography*, §3.2.2), with
//! Z² and Z³ kept instead of Z (Cohen, Miyaji, Ono 1998; "XYZZ"): ten products for a sum, where complete formulas take fourteen.
//! They have exceptional cases (infinity, P + P, P − P), which are decided here by comparing. Time depends on the points:
//! this is for public data only.
#![allow(clippy::arithmetic_side_effects, reason = "the elements form a field: its operations are total")]

use ecdsa::elliptic_curve::Scalar;
use ecdsa::elliptic_curve::ff::{Field, PrimeField};
use ecdsa::elliptic_curve::hazmat::FieldArithmetic;
use ecdsa::elliptic_curve::point::AffineCoordinates;
use primeorder::{AffinePoint, PrimeCurveParams};

/// An element of the field that a curve's coordinates lie in.
type Element<C> = <C as FieldArithmetic>::FieldElement;

/// A point other than the one at infinity.
pub(super) struct Affine<C: PrimeCurveParams> {
    x: Element<C>,
    y: Element<C>,
}

impl<C: PrimeCurveParams> Clone for Affine<C> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<C: PrimeCurveParams> Copy for Affine<C> {}

impl<C: PrimeCurveParams> Affine<C> {
    /// `None` for the point at infinity, which is the only one without coordinates on the curve: its are written as zeros.
    pub(super) fn of(point: &AffinePoint<C>) -> Option<Self> {
        if bool::from(point.is_identity()) {
            return None;
        }
        let element = |repr| Option::<Element<C>>::from(Element::<C>::from_repr(repr));
        Some(Self { x: element(point.x())?, y: element(point.y())? })
    }

    /// The same points with one inversion for all of them; `None` where one is infinity.
    pub(super) fn of_all(points: &[Jacobian<C>]) -> Option<Vec<Self>> {
        let mut inverses: Vec<Element<C>> = points.iter().map(|point| point.zzz).collect();
        invert_all::<C>(&mut inverses)?;
        // 1/ZZ = ZZ²/ZZZ², since ZZ³ = ZZZ².
        let affine = |(point, inverse): (&Jacobian<C>, Element<C>)| Self {
            x: point.x * (point.zz * inverse).square(),
            y: point.y * inverse,
        };
        Some(points.iter().zip(inverses).map(affine).collect())
    }

    /// From one point P in each of `multiples` those up to `most`·P.
    ///
    /// `None` where a slope has no value, which no point of an odd prime order greater than 2·`most` has: there x is the same for
    /// a multiple and its opposite alone, and y is never 0.
    pub(super) fn multiply(multiples: &mut [Vec<Self>], most: usize) -> Option<()> {
        let sizes = std::iter::successors(Some(most), |size| Some(size.div_ceil(3)));
        let mut sizes: Vec<usize> = sizes.take_while(|size| *size > 1).collect();
        sizes.reverse();
        sizes.into_iter().try_for_each(|size| Self::triple(multiples, size))
    }

    /// From P, 2·P, … k·P of each point P those up to `size`·P, where k is a third of `size`, rounded up.
    ///
    /// 2·k·P and what lies as far to its left as to its right: both take the same inverse. One inversion for all 2·k·P, and one
    /// for all the rest.
    fn triple(multiples: &mut [Vec<Self>], size: usize) -> Option<()> {
        let mut inverses: Vec<Element<C>> =
            multiples.iter().flat_map(|of_one| of_one.last()).map(|last| last.y.double()).collect();
        invert_all::<C>(&mut inverses)?;
        let doubled = |(of_one, inverse): (&Vec<Self>, Element<C>)| of_one.last().map(|last| last.sum(last, inverse));
        let middles: Vec<Self> = multiples.iter().zip(inverses).map(doubled).collect::<Option<_>>()?;
        let (mut runs, mut lengths) = (Vec::new(), Vec::new());
        for (of_one, middle) in multiples.iter().zip(&middles) {
            let (left, right) = (of_one.len() - 1, size - 2 * of_one.len());
            runs.extend(of_one.iter().take(left.max(right)).map(|point| middle.x - point.x));
            lengths.push((left, right));
        }
        invert_all::<C>(&mut runs)?;
        let mut inverses = runs.as_slice();
        for ((of_one, middle), (left, right)) in multiples.iter_mut().zip(middles).zip(lengths) {
            let (own, rest) = inverses.split_at_checked(left.max(right))?;
            let near = || of_one.iter().zip(own);
            let below = near().take(left).rev().map(|(point, inverse)| middle.sum(&point.negated(), *inverse));
            let above = near().take(right).map(|(point, inverse)| middle.sum(point, *inverse));
            let more: Vec<Self> = below.chain(std::iter::once(middle)).chain(above).collect();
            of_one.extend(more);
            inverses = rest;
        }
        Some(())
    }

    fn negated(&self) -> Self {
        Self { x: self.x, y: -self.y }
    }

    /// Self + other, where `inverse` is that of x₁ − x₂, or of 2·y where the two are the same point.
    fn sum(&self, other: &Self, inverse: Element<C>) -> Self {
        let rise = if self.x == other.x {
            let square = other.x.square();
            square.double() + square + C::EQUATION_A
        } else {
            self.y - other.y
        };
        let slope = rise * inverse;
        let x = slope.square() - self.x - other.x;
        Self { x, y: slope * (other.x - x) - other.y }
    }
}

/// Every element's inverse, with one inversion (Montgomery); `None` where one is 0.
fn invert_all<C: PrimeCurveParams>(elements: &mut [Element<C>]) -> Option<()> {
    let mut product = Element::<C>::ONE;
    let mut before = Vec::with_capacity(elements.len());
    for element in &*elements {
        before.push(product);
        product *= element;
    }
    let mut inverse = Option::<Element<C>>::from(product.invert())?;
    for (element, before) in elements.iter_mut().zip(before).rev() {
        let of_the_rest = inverse * *element;
        *element = inverse * before;
        inverse = of_the_rest;
    }
    Some(())
}

/// The sum so far: x = X/ZZ, y = Y/ZZZ, ZZ³ = ZZZ², and infinity where ZZ is 0.
pub(super) struct Jacobian<C: PrimeCurveParams> {
    x: Element<C>,
    y: Element<C>,
    zz: Element<C>,
    zzz: Element<C>,
}

impl<C: PrimeCurveParams> Jacobian<C> {
    pub(super) fn infinity() -> Self {
        Self { x: Element::<C>::ONE, y: Element::<C>::ONE, zz: Element::<C>::ZERO, zzz: Element::<C>::ZERO }
    }

    pub(super) fn of(point: &Affine<C>) -> Self {
        Self { x: point.x, y: point.y, zz: Element::<C>::ONE, zzz: Element::<C>::ONE }
    }

    pub(super) fn add(&mut self, point: &Affine<C>) {
        self.add_coordinates(point.x, point.y);
    }

    pub(super) fn subtract(&mut self, point: &Affine<C>) {
        self.add_coordinates(point.x, -point.y);
    }

    fn add_coordinates(&mut self, x: Element<C>, y: Element<C>) {
        if self.zz.is_zero_vartime() {
            *self = Self::of(&Affine { x, y });
            return;
        }
        let run = self.zz * x - self.x;
        let rise = self.zzz * y - self.y;
        if run.is_zero_vartime() {
            *self = if rise.is_zero_vartime() { Self::of(&Affine { x, y }).double() } else { Self::infinity() };
            return;
        }
        let run_squared = run.square();
        let run_cubed = run_squared * run;
        let v = self.x * run_squared;
        let x = rise.square() - run_cubed - v.double();
        self.y = rise * (v - x) - self.y * run_cubed;
        self.x = x;
        self.zz *= run_squared;
        self.zzz *= run_cubed;
    }

    /// Twice the point; no y is 0, since the order is odd.
    pub(super) fn double(&self) -> Self {
        let run = self.y.double();
        let run_squared = run.square();
        let run_cubed = run_squared * run;
        let x_squared = self.x.square();
        let rise = x_squared.double() + x_squared + self.zz.square() * C::EQUATION_A;
        let v = self.x * run_squared;
        let x = rise.square() - v.double();
        Self { x, y: rise * (v - x) - self.y * run_cubed, zz: self.zz * run_squared, zzz: self.zzz * run_cubed }
    }

    /// Whether this point has an x coordinate that is `r` modulo the order, by multiplying instead of dividing by ZZ.
    pub(super) fn has_x(&self, r: &Scalar<C>) -> bool {
        if self.zz.is_zero_vartime() {
            return false;
        }
        let element = |scalar: &Scalar<C>| Option::<Element<C>>::from(Element::<C>::from_repr(scalar.to_repr()));
        let Some(x) = element(r) else { return false };
        if x * self.zz == self.x {
            return true;
        }
        // An x of the order or more stands for itself less the order: r + n is the only other x, where it is less than p.
        let Some(order) = element(&-Scalar::<C>::ONE).map(|less_one| less_one + Element::<C>::ONE) else { return false };
        // p − n; representations are big-endian, so that they compare as numbers do.
        let room = (-order).to_repr();
        r.to_repr() < room && (x + order) * self.zz == self.x
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use p256::NistP256;
    use p384::NistP384;
    use primeorder::ProjectivePoint;

    impl<C: PrimeCurveParams> Jacobian<C> {
        /// Whether this is what the library's own arithmetic makes of it.
        pub(in super::super) fn is(&self, expected: &ProjectivePoint<C>) -> bool {
            let Some(expected) = Affine::of(&expected.to_affine()) else { return self.zz.is_zero_vartime() };
            let related = self.zz * self.zz.square() == self.zzz.square();
            related && !self.zz.is_zero_vartime() && self.x == expected.x * self.zz && self.y == expected.y * self.zzz
        }
    }

    fn sums<C: PrimeCurveParams>() {
        let g = ProjectivePoint::<C>::GENERATOR;
        let small: Vec<ProjectivePoint<C>> =
            (0..6).map(|times| (0..times).fold(ProjectivePoint::IDENTITY, |sum, _| sum + g)).collect();
        for left in &small {
            for right in small.iter().skip(1) {
                let point = Affine::of(&right.to_affine()).unwrap();
                let mut sum = Jacobian::<C>::infinity();
                // Once as it is, once with a Z that is not 1.
                for _ in 0..2 {
                    if let Some(left) = Affine::of(&left.to_affine()) {
                        sum.add(&left);
                    }
                    sum.add(&point);
                    sum.subtract(&point);
                }
                assert!(sum.is(&(*left + left)));
                sum.subtract(&point);
                assert!(sum.is(&(*left + left - right)));
            }
        }
    }

    /// P + P, P − P, infinity + P and infinity − P among them.
    #[test]
    fn sums_agree_with_the_librarys() {
        sums::<NistP256>();
        sums::<NistP384>();
    }

    #[test]
    fn infinity_has_no_affine_form() {
        assert!(Affine::of(&AffinePoint::<NistP256>::IDENTITY).is_none());
        assert!(Affine::of(&AffinePoint::<NistP384>::IDENTITY).is_none());
    }

    fn multiples<C: PrimeCurveParams>(most: usize) {
        let g = ProjectivePoint::<C>::GENERATOR;
        let bases = [g, g + g + g];
        let mut table: Vec<Vec<Affine<C>>> = bases.iter().map(|base| vec![Affine::of(&base.to_affine()).unwrap()]).collect();
        Affine::multiply(&mut table, most).unwrap();
        for (base, of_one) in bases.iter().zip(&table) {
            assert_eq!(of_one.len(), most);
            let mut expected = *base;
            for point in of_one {
                let mut sum = Jacobian::<C>::infinity();
                sum.add(point);
                assert!(sum.is(&expected));
                expected += base;
            }
        }
    }

    #[test]
    fn multiples_agree_with_the_librarys() {
        for most in 1..30 {
            multiples::<NistP256>(most);
        }
        multiples::<NistP384>(64);
    }

    #[test]
    fn a_slope_without_a_value_makes_no_table() {
        let mut nothing = [Element::<NistP256>::ONE, Element::<NistP256>::ZERO];
        assert!(invert_all::<NistP256>(&mut nothing).is_none());
    }

    /// The first points whose x is `start`, `start` + 1, …, each with the distance.
    fn points_from<C: PrimeCurveParams>(start: Element<C>) -> Vec<(u64, Jacobian<C>)> {
        let found = (0..40_u64).filter_map(|distance| {
            let x = start + Element::<C>::from(distance);
            let y = Option::<Element<C>>::from((x.square() * x + C::EQUATION_A * x + C::EQUATION_B).sqrt())?;
            // Not with a Z of 1, which would hide a missing factor.
            let z = Element::<C>::from(7);
            let (zz, zzz) = (z.square(), z.square() * z);
            Some((distance, Jacobian { x: x * zz, y: y * zzz, zz, zzz }))
        });
        found.collect()
    }

    fn large_coordinates<C: PrimeCurveParams>() {
        let order = Element::<C>::from_repr((-Scalar::<C>::ONE).to_repr()).unwrap() + Element::<C>::ONE;
        // x = n + i stands for i.
        let large = points_from::<C>(order);
        assert!(large.len() > 5);
        for (distance, point) in large {
            assert!(point.has_x(&Scalar::<C>::from(distance)));
            assert!(!point.has_x(&Scalar::<C>::from(distance + 1)));
        }
        // x = i stands for i; r = p − n + i is another number, although r + n and i are the same element.
        let room = Scalar::<C>::from_repr((-order).to_repr()).unwrap();
        for (distance, point) in points_from::<C>(Element::<C>::ZERO) {
            assert!(point.has_x(&Scalar::<C>::from(distance)));
            assert!(!point.has_x(&(room + Scalar::<C>::from(distance))));
        }
        assert!(!Jacobian::<C>::infinity().has_x(&Scalar::<C>::ZERO));
    }

    #[test]
    fn an_x_of_the_order_or_more_is_taken_modulo_the_order() {
        large_coordinates::<NistP256>();
        large_coordinates::<NistP384>();
    }
}
