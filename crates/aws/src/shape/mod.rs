//! The building blocks of the generated structures: texts that borrow from the request, numbers as
//! clients send them, and collections that are bounded however long the request's are.
//!
//! What JSON calls wrong here gets AWS's words, because clients show them.

mod blob;
mod integer;
mod list;
mod map;
mod text;

pub(crate) use blob::Blob;
pub(crate) use integer::Integer;
pub(crate) use list::List;
pub(crate) use map::Map;
pub(crate) use text::Text;

/// Elements of one collection that are kept; the rest is only counted. Above every limit of the
/// protocol, and low enough that nested collections of tiny elements cannot multiply a request's
/// size in memory.
const ELEMENTS_MAX: usize = 128;

const LIST_UNEXPECTED: &str = "Start of list found where not expected";
const MAP_UNEXPECTED: &str = "Start of structure or map found where not expected.";
