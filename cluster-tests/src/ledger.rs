use crate::tag::Tag;

/// Bound of the tables below: 8 MiB each.
pub(crate) const MESSAGES_MAX: u64 = 1 << 26;

/// Accounts for every message of a run.
#[derive(Debug)]
pub(crate) struct Ledger {
    run: Option<u32>,
    acked: NumberSet,
    received: NumberSet,
    /// Highest number received per group, plus one; empty for a standard queue.
    next_of_group: Vec<u64>,
    pub(crate) acked_count: u64,
    pub(crate) received_count: u64,
    pub(crate) deleted_count: u64,
    pub(crate) duplicates: u64,
    pub(crate) disordered: u64,
    /// Messages that another run or another program has sent.
    pub(crate) foreign: u64,
}

impl Ledger {
    /// `run` is `None` when draining what any run has sent.
    pub(crate) fn new(run: Option<u32>, groups: u64) -> Ledger {
        Ledger {
            run,
            acked: NumberSet::default(),
            received: NumberSet::default(),
            next_of_group: vec![0; groups as usize],
            acked_count: 0,
            received_count: 0,
            deleted_count: 0,
            duplicates: 0,
            disordered: 0,
            foreign: 0,
        }
    }

    pub(crate) fn acknowledge(&mut self, tag: &Tag) {
        if self.acked.insert(tag.number) {
            self.acked_count += 1;
        }
    }

    pub(crate) fn receive(&mut self, tag: Option<Tag>) {
        let Some(tag) = tag.filter(|tag| self.run.is_none_or(|run| run == tag.run)) else {
            self.foreign += 1;
            return;
        };
        if self.received.insert(tag.number) {
            self.received_count += 1;
        } else {
            self.duplicates += 1;
        }
        if let Some(next) = self.next_of_group.get_mut(tag.group as usize) {
            if tag.number < *next {
                self.disordered += 1;
            }
            *next = (*next).max(tag.number + 1);
        }
    }

    /// Acknowledged, or `expected` when another run has sent them, and never received.
    pub(crate) fn lost(&self, expected: Option<u64>) -> u64 {
        match expected {
            Some(expected) => expected.saturating_sub(self.received_count),
            None => self.acked.missing_in(&self.received),
        }
    }
}

/// A growing bit set of message numbers.
#[derive(Debug, Default)]
struct NumberSet {
    words: Vec<u64>,
}

impl NumberSet {
    /// Whether the number is new.
    fn insert(&mut self, number: u64) -> bool {
        assert!(
            number < MESSAGES_MAX,
            "a run has at most {MESSAGES_MAX} messages"
        );
        let (word, bit) = ((number / 64) as usize, 1 << (number % 64));
        if self.words.len() <= word {
            self.words.resize(word + 1, 0);
        }
        let is_new = self.words[word] & bit == 0;
        self.words[word] |= bit;
        is_new
    }

    fn missing_in(&self, other: &NumberSet) -> u64 {
        let other_words = other.words.iter().copied().chain(std::iter::repeat(0));
        let missing = self
            .words
            .iter()
            .zip(other_words)
            .map(|(mine, theirs)| mine & !theirs);
        missing.map(|word| u64::from(word.count_ones())).sum()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tag(group: u64, number: u64) -> Tag {
        Tag {
            run: 1,
            group,
            number,
        }
    }

    #[test]
    fn lost_duplicate_foreign_and_disordered_are_told_apart() {
        let mut ledger = Ledger::new(Some(1), 2);
        for number in 0..200 {
            ledger.acknowledge(&tag(number % 2, number));
        }
        for number in (0..200).filter(|number| *number != 70) {
            ledger.receive(Some(tag(number % 2, number)));
        }
        assert_eq!(
            (ledger.lost(None), ledger.duplicates, ledger.disordered),
            (1, 0, 0)
        );
        ledger.receive(Some(tag(1, 199)));
        assert_eq!((ledger.duplicates, ledger.disordered), (1, 1));
        ledger.receive(Some(Tag {
            run: 2,
            group: 0,
            number: 0,
        }));
        ledger.receive(None);
        assert_eq!(ledger.foreign, 2);
        assert_eq!(ledger.lost(Some(300)), 101);
    }
}
