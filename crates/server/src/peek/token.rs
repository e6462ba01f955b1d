//! Where the next page begins, for whoever asks for it: opaque, and of no use for anything else.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD as BASE64;
use squorum_types::QueueId;
use squorum_types::service::{MessageState, PeekPlace, PeekPosition};

const VERSION: u8 = 1;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Token {
    pub(crate) queue: QueueId,
    pub(crate) state: MessageState,
    pub(crate) position: PeekPosition,
}

impl Token {
    pub(crate) fn encode(self) -> String {
        let mut bytes = vec![VERSION, state_number(self.state)];
        bytes.extend(self.queue.0.to_be_bytes());
        bytes.extend(self.position.partition.to_be_bytes());
        if let Some(place) = self.position.place {
            bytes.extend(place.generation.to_be_bytes());
            bytes.push(place.priority);
            bytes.extend(place.lane.to_be_bytes());
            bytes.extend(place.seq.to_be_bytes());
        }
        BASE64.encode(bytes)
    }

    /// `None` if it is no token.
    pub(crate) fn decode(text: &str) -> Option<Token> {
        let bytes = BASE64.decode(text).ok()?;
        let mut rest = Reader(&bytes);
        if rest.take::<1>()? != [VERSION] {
            return None;
        }
        let [state] = rest.take()?;
        let state = STATES
            .into_iter()
            .find(|known| state_number(*known) == state)?;
        let queue = QueueId(u64::from_be_bytes(rest.take()?));
        let partition = u16::from_be_bytes(rest.take()?);
        let place = if rest.0.is_empty() {
            None
        } else {
            Some(PeekPlace {
                generation: u32::from_be_bytes(rest.take()?),
                priority: u8::from_be_bytes(rest.take()?),
                lane: u32::from_be_bytes(rest.take()?),
                seq: u64::from_be_bytes(rest.take()?),
            })
        };
        rest.0.is_empty().then_some(Token {
            queue,
            state,
            position: PeekPosition { partition, place },
        })
    }
}

const STATES: [MessageState; 3] = [
    MessageState::Visible,
    MessageState::InFlight,
    MessageState::Delayed,
];

fn state_number(state: MessageState) -> u8 {
    match state {
        MessageState::Visible => 1,
        MessageState::InFlight => 2,
        MessageState::Delayed => 3,
    }
}

struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn take<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (taken, rest) = self.0.split_first_chunk::<N>()?;
        self.0 = rest;
        Some(*taken)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tokens_come_back_and_nothing_else_does() {
        let place = PeekPlace {
            generation: 2,
            priority: 3,
            lane: u32::MAX,
            seq: 1 << 40,
        };
        for (place, state) in [
            (None, MessageState::Visible),
            (Some(place), MessageState::InFlight),
            (Some(place), MessageState::Delayed),
        ] {
            let token = Token {
                queue: QueueId(300),
                state,
                position: PeekPosition {
                    partition: 7,
                    place,
                },
            };
            let text = token.encode();
            assert_eq!(Token::decode(&text), Some(token));
            // A place that is missing is the partition's beginning; half a place is nothing.
            for cut in (1..text.len()).filter(|cut| *cut != 16) {
                assert_eq!(Token::decode(&text[..cut]), None, "{cut}");
            }
            assert_eq!(Token::decode(&(text + "AA")), None);
        }
        for wrong in ["", "x", "AgEAAAAAAAAAAQAA", "AQQAAAAAAAAAAQAA", "%%%%"] {
            assert_eq!(Token::decode(wrong), None, "{wrong}");
        }
    }
}
