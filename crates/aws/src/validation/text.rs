use squorum_types::limits::FIFO_ID_BYTES_MAX;

use crate::error::ApiError;

/// Whether a text has only the characters that AWS lets through: #x9, #xA, #xD, #x20 to #xD7FF,
/// #xE000 to #xFFFD and above #xFFFF.
pub(crate) fn has_only_valid_characters(text: &str) -> bool {
    let control = |byte: u8| byte < 0x20 && !matches!(byte, b'\t' | b'\n' | b'\r');
    // Folded without an early end, so that it becomes vector code.
    let (controls, wide) = text.bytes().fold((false, false), |(controls, wide), byte| {
        (controls | control(byte), wide | (byte == 0xef))
    });
    // U+FFFE and U+FFFF are EF BF BE and EF BF BF.
    !controls && (!wide || !text.contains(['\u{fffe}', '\u{ffff}']))
}

/// Checks an id of a message group, a deduplication or a receive attempt: 1 to 128 letters, digits
/// and punctuation characters.
pub(crate) fn check_identifier(
    text: &str,
    parameter: &'static str,
    reason: &'static str,
) -> Result<(), ApiError> {
    let length = (1..=FIFO_ID_BYTES_MAX).contains(&text.len());
    if length && text.bytes().all(|byte| byte.is_ascii_graphic()) {
        Ok(())
    } else {
        Err(ApiError::invalid(text, parameter, reason))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn characters_at_the_borders() {
        for valid in [
            "\t\n\r ",
            "\u{7f}",
            "\u{d7ff}\u{e000}\u{fffd}",
            "\u{10000}\u{10ffff}",
            "",
        ] {
            assert!(has_only_valid_characters(valid), "{valid:?}");
        }
        for invalid in [
            "\0",
            "\u{8}",
            "\u{b}",
            "\u{c}",
            "\u{1f}",
            "a\u{fffe}",
            "\u{ffff}b",
        ] {
            assert!(!has_only_valid_characters(invalid), "{invalid:?}");
        }
    }
}
