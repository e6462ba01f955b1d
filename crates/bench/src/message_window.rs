//! What became of a run's messages, in four bits each, from the oldest that is not settled on.
//!
//! Invariants:
//! 1. A message below the window was acknowledged, received and deleted, or was counted as lost.
//! 2. The window spans at most `WORDS_MAX` words (32 MiB), however long the run.
//! 3. A word with a message that was sent twice stays, so that its double is excused.

use std::collections::VecDeque;

const WORD_BITS: u64 = u64::BITS as u64;
const WORDS_MAX: usize = 1 << 20;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Mark {
    /// The send was answered with 200.
    Acknowledged,
    /// A send of unknown outcome was sent again: the queue may rightly hold it twice.
    Resent,
    Received,
    /// The delete was answered with 200.
    Deleted,
}

#[derive(Clone, Copy, Debug, Default)]
struct Word {
    bits: [u64; 4],
}

impl Word {
    fn lost(&self) -> u64 {
        let [acknowledged, _, received, _] = self.bits;
        u64::from((acknowledged & !received).count_ones())
    }

    fn is_settled(&self, knows_acknowledged: bool) -> bool {
        let [acknowledged, resent, received, deleted] = self.bits;
        (acknowledged == u64::MAX || !knows_acknowledged)
            && resent == 0
            && received & deleted == u64::MAX
    }
}

#[derive(Debug)]
pub(crate) struct MessageWindow {
    words: VecDeque<Word>,
    first_word: u64,
    words_max: usize,
    /// False when another process has sent the messages.
    knows_acknowledged: bool,
    lost_below: u64,
}

impl MessageWindow {
    pub(crate) fn new(knows_acknowledged: bool) -> MessageWindow {
        MessageWindow {
            words: VecDeque::new(),
            first_word: 0,
            words_max: WORDS_MAX,
            knows_acknowledged,
            lost_below: 0,
        }
    }

    /// Whether the mark is new; a message below the window has every mark.
    pub(crate) fn mark(&mut self, number: u64, mark: Mark) -> bool {
        let (word, bit) = (number / WORD_BITS, 1 << (number % WORD_BITS));
        if word < self.first_word {
            return false;
        }
        self.make_room_for(word);
        let index = (word - self.first_word) as usize;
        if self.words.len() <= index {
            self.words.resize(index + 1, Word::default());
        }
        let bits = &mut self.words[index].bits[mark as usize];
        let is_new = *bits & bit == 0;
        *bits |= bit;
        self.settle();
        is_new
    }

    pub(crate) fn has(&self, number: u64, mark: Mark) -> bool {
        let Some(index) = (number / WORD_BITS).checked_sub(self.first_word) else {
            return mark != Mark::Resent;
        };
        let word = usize::try_from(index)
            .ok()
            .and_then(|index| self.words.get(index));
        word.is_some_and(|word| word.bits[mark as usize] & 1 << (number % WORD_BITS) != 0)
    }

    /// Acknowledged and never received.
    pub(crate) fn lost(&self) -> u64 {
        self.lost_below + self.words.iter().map(Word::lost).sum::<u64>()
    }

    fn make_room_for(&mut self, word: u64) {
        let first_word = (word + 1).saturating_sub(self.words_max as u64);
        if first_word > self.first_word {
            let words = (first_word - self.first_word).min(self.words.len() as u64) as usize;
            self.lost_below += self
                .words
                .drain(..words)
                .map(|word| word.lost())
                .sum::<u64>();
            self.first_word = first_word;
        }
    }

    fn settle(&mut self) {
        while let Some(word) = self.words.front()
            && word.is_settled(self.knows_acknowledged)
        {
            self.words.pop_front();
            self.first_word += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ALL: [Mark; 3] = [Mark::Acknowledged, Mark::Received, Mark::Deleted];

    #[test]
    fn settled_messages_leave_the_window_and_are_remembered() {
        let mut window = MessageWindow::new(true);
        for number in 0..1_000 {
            assert!(ALL.iter().all(|mark| window.mark(number, *mark)));
        }
        assert!(window.words.len() <= 1);
        assert!(window.has(3, Mark::Received) && !window.mark(3, Mark::Received));
        assert_eq!(window.lost(), 0);
    }

    #[test]
    fn a_lost_message_is_counted_even_when_the_window_had_to_move_on() {
        let mut window = MessageWindow::new(true);
        window.words_max = 4;
        for number in 0..10_000 {
            window.mark(number, Mark::Acknowledged);
            if number != 70 {
                window.mark(number, Mark::Received);
                window.mark(number, Mark::Deleted);
            }
        }
        assert_eq!(window.lost(), 1);
        assert!(window.words.len() <= 4);
        assert!(!window.has(70, Mark::Resent));
    }

    #[test]
    fn a_resent_message_stays() {
        let mut window = MessageWindow::new(true);
        window.mark(5, Mark::Resent);
        for number in 0..640 {
            ALL.iter()
                .for_each(|mark| assert!(window.mark(number, *mark)));
        }
        assert!(window.has(5, Mark::Resent) && !window.has(6, Mark::Resent));
    }

    #[test]
    fn a_number_out_of_this_world_costs_neither_time_nor_memory() {
        let mut window = MessageWindow::new(true);
        window.mark(0, Mark::Acknowledged);
        assert!(window.mark(u64::MAX, Mark::Received));
        assert!(window.words.len() <= WORDS_MAX);
        assert_eq!(window.lost(), 1);
    }
}
