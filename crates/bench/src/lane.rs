use crate::tag::Tag;

/// The numbers and groups of one producer: numbers ≡ index (mod producers), groups likewise, so
/// that a group's order is the order of its numbers.
#[derive(Debug)]
pub(crate) struct Lane {
    run: u32,
    index: u64,
    producers: u64,
    groups: u64,
    sent: u64,
    limit: u64,
}

impl Lane {
    /// `groups` and `messages` are those of all producers together: no groups in a standard queue,
    /// no limit when time is the limit.
    pub(crate) fn new(
        run: u32,
        index: u64,
        producers: u64,
        groups: u64,
        messages: Option<u64>,
    ) -> Lane {
        let share = |total: u64| total.saturating_sub(index).div_ceil(producers);
        Lane {
            run,
            index,
            producers,
            groups: share(groups),
            sent: 0,
            limit: messages.map_or(u64::MAX, share),
        }
    }

    /// The next `batch` tags; fewer at the end, none when all are sent.
    pub(crate) fn next(&mut self, batch: u64, tags: &mut Vec<Tag>) {
        tags.clear();
        while (tags.len() as u64) < batch && self.sent < self.limit {
            let group = match self.groups {
                0 => 0,
                groups => self.sent % groups * self.producers + self.index,
            };
            tags.push(Tag {
                run: self.run,
                group,
                number: self.sent * self.producers + self.index,
                due_us: 0,
            });
            self.sent += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lanes_share_numbers_and_groups_without_overlap() {
        let (mut numbers, mut groups) = (Vec::new(), Vec::new());
        for index in 0..3 {
            let mut lane = Lane::new(1, index, 3, 7, Some(100));
            let mut tags = Vec::new();
            loop {
                lane.next(10, &mut tags);
                if tags.is_empty() {
                    break;
                }
                numbers.extend(tags.iter().map(|tag| tag.number));
                groups.extend(tags.iter().map(|tag| (tag.group, index)));
            }
        }
        numbers.sort_unstable();
        assert_eq!(numbers, (0..100).collect::<Vec<_>>());
        groups.sort_unstable();
        groups.dedup();
        assert_eq!(
            groups,
            (0..7).map(|group| (group, group % 3)).collect::<Vec<_>>()
        );
    }
}
