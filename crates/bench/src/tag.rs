use std::str;

/// Bytes of a tag: run, group, number and time in fixed width, so that it can be patched in place.
pub(crate) const TAG_BYTES: usize = 8 + 1 + 8 + 1 + 16 + 1 + 16 + 1;
/// Groups have eight digits in a tag, and a table in memory.
pub(crate) const GROUPS_MAX: u64 = 1_000_000;
/// What fills a body behind its tag.
pub(crate) const FILLER: u8 = b'x';

/// What a message's body begins with: `{run:08x} {group:08} {number:016} {due_us:016} `.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Tag {
    /// Tells this run's messages from those of another.
    pub(crate) run: u32,
    pub(crate) group: u64,
    /// Unique within the run; rises within a group. Numbers ≡ p (mod producers) are producer p's.
    pub(crate) number: u64,
    /// When the send was due, in µs since the run's start.
    pub(crate) due_us: u64,
}

impl Tag {
    pub(crate) fn write(&self, target: &mut [u8]) {
        write_hex(self.run, &mut target[0..8]);
        target[8] = b' ';
        write_decimal(self.group, &mut target[9..17]);
        target[17] = b' ';
        write_decimal(self.number, &mut target[18..34]);
        target[34] = b' ';
        write_decimal(self.due_us, &mut target[35..51]);
        target[51] = b' ';
    }

    /// `None` when the body was not written by this tool.
    pub(crate) fn parse(body: &[u8]) -> Option<Tag> {
        let text = str::from_utf8(body.get(..TAG_BYTES)?).ok()?;
        Some(Tag {
            run: u32::from_str_radix(text.get(0..8)?, 16).ok()?,
            group: text.get(9..17)?.parse().ok()?,
            number: text.get(18..34)?.parse().ok()?,
            due_us: text.get(35..51)?.parse().ok()?,
        })
    }
}

/// Right-aligned digits over the whole target.
pub(crate) fn write_decimal(mut value: u64, target: &mut [u8]) {
    for digit in target.iter_mut().rev() {
        *digit = b'0' + (value % 10) as u8;
        value /= 10;
    }
}

pub(crate) fn write_hex(mut value: u32, target: &mut [u8]) {
    for digit in target.iter_mut().rev() {
        *digit = b"0123456789abcdef"[(value % 16) as usize];
        value /= 16;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tag_survives_the_round_trip() {
        let tag = Tag {
            run: 0x00ab_cdef,
            group: 99_999,
            number: 12_345_678_901,
            due_us: 3_600_000_001,
        };
        let mut body = vec![FILLER; TAG_BYTES + 5];
        tag.write(&mut body);
        assert_eq!(Tag::parse(&body), Some(tag));
    }

    #[test]
    fn strange_bodies_have_no_tag() {
        assert_eq!(Tag::parse(b"hello"), None);
        assert_eq!(Tag::parse(&[0xff; 64]), None);
        assert_eq!(Tag::parse("ä".repeat(40).as_bytes()), None);
    }
}
