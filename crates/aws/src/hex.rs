//! Lower-case hexadecimal, as MD5s and ids are shown. Written by hand, because each message has
//! two or three of them and formatting them through `fmt` costs more than parsing the request.

const DIGITS: &[u8; 16] = b"0123456789abcdef";

fn digits(byte: u8) -> [u8; 2] {
    [
        DIGITS[usize::from(byte >> 4)],
        DIGITS[usize::from(byte & 15)],
    ]
}

fn text(ascii: Vec<u8>) -> String {
    String::from_utf8(ascii).expect("digits and hyphens are ASCII")
}

/// Lower-case, as MD5s are shown.
pub fn hex(bytes: &[u8]) -> String {
    let mut ascii = Vec::with_capacity(bytes.len() * 2);
    for byte in bytes {
        ascii.extend_from_slice(&digits(*byte));
    }
    text(ascii)
}

/// A UUID's text.
pub(crate) fn uuid(bytes: &[u8; 16]) -> String {
    let mut ascii = Vec::with_capacity(36);
    for (position, byte) in bytes.iter().enumerate() {
        if matches!(position, 4 | 6 | 8 | 10) {
            ascii.push(b'-');
        }
        ascii.extend_from_slice(&digits(*byte));
    }
    text(ascii)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_as_everywhere() {
        let id = squorum_types::MessageId::from_random(*b"0123456789abcdef");
        assert_eq!(uuid(&id.0), id.to_string());
        assert_eq!(hex(&[0, 0xaf, 9]), "00af09");
    }
}
