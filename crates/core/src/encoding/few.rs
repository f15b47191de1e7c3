//! [`Few`]: a list that mostly has few elements.
//!
//! The first `N` lie inside, so that honest documents cost no memory beside themselves; a longer list is kept as any other.
//! Sets no bound: whoever fills it does.

use std::fmt;
use std::ops::{Deref, DerefMut};

/// A list of which the first `N` elements take no memory of their own.
#[derive(Clone)]
pub struct Few<T, const N: usize> {
    here: [T; N],
    length: usize,
    /// All of them, once there are more than `N`; else empty.
    all: Vec<T>,
}

impl<T: Default, const N: usize> Few<T, N> {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self { here: std::array::from_fn(|_| T::default()), length: 0, all: Vec::new() }
    }

    /// Adds an element.
    pub fn push(&mut self, element: T) {
        if !self.all.is_empty() {
            self.all.push(element);
        } else if let Some(place) = self.here.get_mut(self.length) {
            *place = element;
            self.length = self.length.saturating_add(1);
        } else {
            self.all.reserve(N.saturating_mul(2).saturating_add(1));
            self.all.extend(self.here.iter_mut().map(std::mem::take));
            self.all.push(element);
            self.length = 0;
        }
    }

    /// Leaves the first `length`.
    pub fn truncate(&mut self, length: usize) {
        if self.all.is_empty() {
            self.here.iter_mut().take(self.length).skip(length).for_each(|place| *place = T::default());
            self.length = self.length.min(length);
        } else {
            self.all.truncate(length);
        }
    }

    /// Takes the last element away.
    pub fn pop(&mut self) -> Option<T> {
        if !self.all.is_empty() {
            return self.all.pop();
        }
        self.length = self.length.checked_sub(1)?;
        self.here.get_mut(self.length).map(std::mem::take)
    }
}

impl<const N: usize> Few<u8, N> {
    /// The first `length` of these bytes; `None` where there are fewer.
    pub(crate) fn of_array(here: [u8; N], length: usize) -> Option<Self> {
        (length <= N).then(|| Self { here, length, all: Vec::new() })
    }
}

impl<T: Default, const N: usize> Default for Few<T, N> {
    fn default() -> Self {
        Self::new()
    }
}

impl<T, const N: usize> Deref for Few<T, N> {
    type Target = [T];
    fn deref(&self) -> &[T] {
        if self.all.is_empty() { self.here.get(..self.length).unwrap_or_default() } else { &self.all }
    }
}

impl<T, const N: usize> DerefMut for Few<T, N> {
    fn deref_mut(&mut self) -> &mut [T] {
        if self.all.is_empty() { self.here.get_mut(..self.length).unwrap_or_default() } else { &mut self.all }
    }
}

impl<T: Default, const N: usize> FromIterator<T> for Few<T, N> {
    fn from_iter<I: IntoIterator<Item = T>>(elements: I) -> Self {
        let mut few = Self::new();
        elements.into_iter().for_each(|element| few.push(element));
        few
    }
}

impl<T: Default, const N: usize> From<Vec<T>> for Few<T, N> {
    fn from(all: Vec<T>) -> Self {
        if all.len() > N { Self { all, ..Self::new() } } else { all.into_iter().collect() }
    }
}

impl<T: Default, const N: usize> IntoIterator for Few<T, N> {
    type Item = T;
    type IntoIter = std::iter::Chain<std::iter::Take<std::array::IntoIter<T, N>>, std::vec::IntoIter<T>>;
    fn into_iter(self) -> Self::IntoIter {
        let here = if self.all.is_empty() { self.length } else { 0 };
        self.here.into_iter().take(here).chain(self.all)
    }
}

/// Equality of the elements, wherever they lie.
impl<T: PartialEq, const N: usize> PartialEq for Few<T, N> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq, const N: usize> Eq for Few<T, N> {}

impl<T: fmt::Debug, const N: usize> fmt::Debug for Few<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&**self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever is done to it, it holds what a `Vec` does, on both sides of its bound.
    #[test]
    fn few_and_many_elements_are_one_list() {
        for pushed in 0..9_usize {
            let (mut few, mut list) = (Few::<String, 3>::new(), Vec::new());
            for number in 0..pushed {
                few.push(number.to_string());
                list.push(number.to_string());
                assert_eq!(*few, *list);
            }
            assert_eq!(Few::<String, 3>::from(list.clone()), few);
            assert_eq!(few.clone().into_iter().collect::<Vec<_>>(), list);
            for left in (0..=pushed).rev() {
                let mut shorter = few.clone();
                shorter.truncate(left);
                assert_eq!(*shorter, list[..left]);
                // What was cut off is gone, and there is room for others.
                shorter.push("x".to_owned());
                assert_eq!(shorter.last().map(String::as_str), Some("x"));
                assert_eq!(shorter.len(), left + 1);
            }
            while let Some(last) = few.pop() {
                assert_eq!(Some(last), list.pop());
                assert_eq!(*few, *list);
            }
            assert_eq!(list, Vec::<String>::new());
        }
    }

    #[test]
    fn bytes_of_an_array_are_no_more_than_it_has() {
        assert_eq!(&**Few::of_array([1, 2, 3], 2).as_ref().unwrap(), [1, 2]);
        assert_eq!(Few::of_array([1, 2, 3], 4), None);
    }
}
