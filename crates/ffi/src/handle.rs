//! Handles: where pointers from C become references, and where they are made and given up.
//!
//! Each allocation begins with a tag of its type. Zeroed memory, a handle of another type and (as far as the allocator has
//! not used the memory again) a freed one are found out instead of believed: an accepted image is never read out of
//! anything that the library did not make as one.

use crate::error::Problem;
use std::cell::Cell;
use std::ptr;

/// A type that C knows by pointer only.
pub(crate) trait Opaque: Sized {
    /// What is behind the pointer.
    type Inner;
    /// Distinguishes the types. Never zero.
    const TAG: u64;
}

/// What a handle points to. `repr(C)`, so that the tag is first whatever the type.
#[repr(C)]
struct Tagged<T> {
    tag: u64,
    inner: T,
}

/// Stands in the tag of a handle that another one owns: it is read as any other, and no `_free` frees it.
const KEPT: u64 = 1 << 63;

/// A handle that another one owns and lends out. It does not move.
pub(crate) struct Kept<H: Opaque>(Box<Tagged<H::Inner>>);

impl<H: Opaque> Kept<H> {
    pub(crate) fn new(inner: H::Inner) -> Self {
        Self(Box::new(Tagged { tag: H::TAG | KEPT, inner }))
    }

    /// For reading, as long as this lives.
    pub(crate) fn pointer(&self) -> *const H {
        ptr::from_ref(&*self.0).cast()
    }
}

impl<H: Opaque> Drop for Kept<H> {
    fn drop(&mut self) {
        // SAFETY: the tag is ours. Volatile for the same reason as in `free`.
        unsafe { ptr::from_mut(&mut self.0.tag).write_volatile(0) };
    }
}

/// A new handle, owned by whoever gets it.
pub(crate) fn make<H: Opaque>(inner: H::Inner) -> *mut H {
    Box::into_raw(Box::new(Tagged { tag: H::TAG, inner })).cast()
}

/// The handle at `pointer`, or why it is none.
///
/// # Safety
/// `pointer` is NULL or points to at least eight readable bytes, and, if it is a handle of this type, to a live one that
/// nobody changes as long as the reference is used.
pub(crate) unsafe fn borrow<'a, H: Opaque>(pointer: *const H, name: &'static str) -> Result<&'a H::Inner, Problem> {
    let tagged = check::<H>(pointer, name)?;
    // SAFETY: not NULL, aligned, and readable by the caller's promise; read as plain bytes, whatever it is.
    if unsafe { tagged.cast::<u64>().read() } & !KEPT != H::TAG {
        return Err(foreign::<H>(name));
    }
    // SAFETY: the tag says that `make` made it for this type, and the caller promises that it is live and unchanged.
    Ok(unsafe { &(*tagged).inner })
}

/// The handle at `pointer` for changing it.
///
/// # Safety
/// As [`borrow`], and nobody else uses the handle as long as the reference is used.
pub(crate) unsafe fn borrow_mut<'a, H: Opaque>(pointer: *mut H, name: &'static str) -> Result<&'a mut H::Inner, Problem> {
    let tagged = check::<H>(pointer.cast_const(), name)?.cast_mut();
    // SAFETY: as in `borrow`.
    if unsafe { tagged.cast::<u64>().read() } != H::TAG {
        return Err(foreign::<H>(name));
    }
    // SAFETY: as in `borrow`, and the caller promises that nobody else uses it.
    Ok(unsafe { &mut (*tagged).inner })
}

/// Gives a handle up. NULL and whatever is no handle of this type is left alone.
///
/// # Safety
/// As [`borrow_mut`]; the handle is not used again.
pub(crate) unsafe fn free<H: Opaque>(pointer: *mut H) {
    let Ok(tagged) = check::<H>(pointer.cast_const(), "") else { return };
    let tagged = tagged.cast_mut();
    // SAFETY: as in `borrow`.
    if unsafe { tagged.cast::<u64>().read() } != H::TAG {
        return;
    }
    // SAFETY: writable, since `make` allocated it. Volatile, so that the write is not left out as dead: a handle that is used
    // after it was freed is then mostly found out. That it always is, is no promise.
    unsafe { tagged.cast::<u64>().write_volatile(0) };
    // SAFETY: `make` allocated it for this type, and the caller gives it up.
    drop(unsafe { Box::from_raw(tagged) });
}

/// Takes back what [`make`] made, where the library itself kept the pointer.
///
/// # Safety
/// `pointer` came from [`make`], is live, and is not used again.
pub(crate) unsafe fn take<H: Opaque>(pointer: *mut H) -> H::Inner {
    // SAFETY: by the caller's promise.
    unsafe { Box::from_raw(pointer.cast::<Tagged<H::Inner>>()) }.inner
}

fn check<H: Opaque>(pointer: *const H, name: &'static str) -> Result<*const Tagged<H::Inner>, Problem> {
    let tagged = pointer.cast::<Tagged<H::Inner>>();
    if tagged.is_null() {
        return Err(Problem::argument(name, "a handle", "NULL"));
    }
    if !tagged.is_aligned() {
        return Err(foreign::<H>(name));
    }
    Ok(tagged)
}

fn foreign<H>(name: &'static str) -> Problem {
    let expected = std::any::type_name::<H>().rsplit("::").next().unwrap_or("a handle");
    Problem::argument(name, expected, "a handle of another kind, or a freed one")
}

/// A place where a call leaves a handle: NULL from the start, written once at the end and only where nothing failed.
pub(crate) struct Out<H: Opaque> {
    place: *mut *mut H,
    value: Cell<Option<Box<Tagged<H::Inner>>>>,
}

impl<H: Opaque> Out<H> {
    /// Sets the place to NULL, so that whatever stood there is never taken for the answer.
    ///
    /// # Safety
    /// `place` is NULL or points to room for one pointer.
    pub(crate) unsafe fn clear(place: *mut *mut H) -> Self {
        let place = if place.is_aligned() { place } else { ptr::null_mut() };
        if !place.is_null() {
            // SAFETY: not NULL, aligned, and room for a pointer by the caller's promise.
            unsafe { place.write(ptr::null_mut()) };
        }
        Self { place, value: Cell::new(None) }
    }

    /// The caller must have given a place.
    pub(crate) fn required(&self, name: &'static str) -> Result<(), Problem> {
        if self.place.is_null() { Err(Problem::argument(name, "a place for the answer", "NULL")) } else { Ok(()) }
    }

    /// What is to be written.
    pub(crate) fn put(&self, inner: H::Inner) {
        self.value.set(Some(Box::new(Tagged { tag: H::TAG, inner })));
    }

    /// Writes it, where there is something to write and a place.
    pub(crate) fn commit(self) {
        if let (Some(value), false) = (self.value.take(), self.place.is_null()) {
            // SAFETY: checked in `clear`, and the caller's place is still there: the call has not returned.
            unsafe { self.place.write(Box::into_raw(value).cast()) };
        }
    }
}
