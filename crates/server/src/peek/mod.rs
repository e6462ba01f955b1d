//! Looks at messages without receiving them: what `GET /queues/…/messages` answers and `squorum queue
//! peek` shows.

mod filter;
mod shown;
mod token;

use serde::{Deserialize, Serialize};

pub(crate) use self::filter::Filter;
pub(crate) use self::shown::ShownMessage;
pub(crate) use self::token::Token;

/// Messages of one answer.
pub(crate) const LIMIT: std::ops::RangeInclusive<usize> = 1..=1000;
pub(crate) const LIMIT_DEFAULT: usize = 10;

/// What a look answers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct PeekAnswer {
    pub(crate) messages: Vec<ShownMessage>,
    /// Asks for the next page, even if this one is empty; `None` after the last message.
    pub(crate) next_token: Option<String>,
    /// Messages that were looked at, whatever their state and the filter.
    pub(crate) looked_at: usize,
}
