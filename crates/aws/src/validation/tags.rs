//! Rules of a queue's tags.

use std::ops::RangeInclusive;

use squorum_types::limits::{TAG_KEY_CHARACTERS, TAG_VALUE_CHARACTERS, TAGS_MAX};
use squorum_types::{QueueName, QueueTags};

use crate::error::ApiError;
use crate::shape::{List, Map, Text};

const KEY_LENGTH: &str = "Tag keys must be between 1 and 128 characters in length.";
const VALUE_LENGTH: &str = "Tag values must be between 0 and 256 characters in length.";
const CHARACTERS: &str = "Tag keys and values can only include letters, digits, whitespace and \
                          the characters _ . : / = + - @";
const RESERVED: &str = "Tag keys and values must not begin with the reserved prefix aws:";

/// Checks tags to give to a queue of this name.
pub(crate) fn check_tags(
    queue: &QueueName,
    tags: &Map<'_, Text<'_>>,
) -> Result<QueueTags, ApiError> {
    if tags.total > TAGS_MAX {
        return Err(ApiError::TooManyTags {
            queue: queue.clone(),
        });
    }
    let tags = tags.entries.iter().map(|(key, value)| {
        check_length(key, &TAG_KEY_CHARACTERS, KEY_LENGTH)?;
        check_length(value, &TAG_VALUE_CHARACTERS, VALUE_LENGTH)?;
        check_characters(key)?;
        check_characters(value)?;
        Ok((key.as_str().to_owned(), value.as_str().to_owned()))
    });
    tags.collect()
}

/// Checks keys of tags to remove, of which there must be one at least.
pub(crate) fn check_tag_keys(keys: &List<Text<'_>>) -> Result<Vec<String>, ApiError> {
    if keys.is_empty() {
        return Err(ApiError::ParameterRefused(KEY_LENGTH));
    }
    if keys.total > keys.items.len() {
        let parameter = "TagKeys";
        return Err(ApiError::TooManyElements { parameter });
    }
    let keys = keys.items.iter().map(|key| {
        check_length(key, &TAG_KEY_CHARACTERS, KEY_LENGTH)?;
        Ok(key.as_str().to_owned())
    });
    keys.collect()
}

fn check_length(
    text: &str,
    characters: &RangeInclusive<usize>,
    refusal: &'static str,
) -> Result<(), ApiError> {
    match characters.contains(&text.chars().count()) {
        true => Ok(()),
        false => Err(ApiError::ParameterRefused(refusal)),
    }
}

fn check_characters(text: &str) -> Result<(), ApiError> {
    let allowed = |character: char| {
        character.is_alphanumeric()
            || character.is_whitespace()
            || matches!(character, '_' | '.' | ':' | '/' | '=' | '+' | '-' | '@')
    };
    let start = text.as_bytes().get(..4);
    if start.is_some_and(|start| start.eq_ignore_ascii_case(b"aws:")) {
        Err(ApiError::ParameterRefused(RESERVED))
    } else if text.chars().all(allowed) {
        Ok(())
    } else {
        Err(ApiError::ParameterRefused(CHARACTERS))
    }
}
