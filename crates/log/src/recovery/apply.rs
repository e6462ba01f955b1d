//! What a record changes, and whether all live entries were found.

use bytes::Bytes;
use squorum_types::GroupId;

use super::replay::Replay;
use crate::error::OpenError;
use crate::format::record::{FLAG_NOTHING_KEPT, Header, Kind};
use crate::group::GroupRecord;
use crate::index::Position;

impl Replay {
    pub(super) fn apply(
        &mut self,
        kind: Kind,
        header: &Header,
        payload: Bytes,
        offset: u64,
    ) -> Result<(), &'static str> {
        let group = GroupId(header.group);
        let record = self.groups.entry(group).or_default();
        match kind {
            Kind::Head => {}
            Kind::Vote => record.vote = Some(payload),
            Kind::Committed => record.committed = Some(header.id),
            Kind::Purge => {
                record.purge(header.id);
                self.positions.entry(group).or_default().purge(record.first);
            }
            Kind::Truncate => {
                let kept = (header.flags & FLAG_NOTHING_KEPT == 0).then_some(header.id);
                record.truncate_after(kept);
                self.truncate_after(group, kept.map(|kept| kept.index));
            }
            Kind::Append => {
                if !record.follows(header.id.index) {
                    return Err("an entry that does not follow the one before");
                }
                record.append(header.id);
                self.place(group, header.id.index, offset);
            }
        }
        Ok(())
    }

    fn place(&mut self, group: GroupId, index: u64, offset: u64) {
        let segment = self.segments.last_mut().expect("a segment is being read");
        segment.append(group, index);
        if self.sampler.takes(group, segment.number, offset) {
            let position = Position {
                index,
                segment: segment.number,
                offset,
            };
            self.positions.entry(group).or_default().push(position);
        }
    }

    pub(super) fn truncate_after(&mut self, group: GroupId, kept: Option<u64>) {
        self.segments
            .iter_mut()
            .for_each(|segment| segment.truncate_after(group, kept));
        self.positions
            .entry(group)
            .or_default()
            .truncate_after(kept);
        self.sampler.truncate(group);
    }

    /// Rule 3: the segments hold all live entries of the group.
    pub(super) fn check_coverage(
        &self,
        group: GroupId,
        record: &GroupRecord,
    ) -> Result<(), OpenError> {
        let live = record.live();
        let mut next = live.start;
        for segment in &self.segments {
            if let Some((first, last)) = segment.entries.get(&group)
                && *first <= next
            {
                next = next.max(last + 1);
            }
        }
        if next >= live.end {
            return Ok(());
        }
        Err(OpenError::Corrupt {
            detail: format!(
                "entries {next} to {} of group {} are missing",
                live.end - 1,
                group.0
            ),
        })
    }

    /// Empties the groups of which entries are missing.
    pub(super) fn drop_uncovered(&mut self) {
        let all = self.groups.iter();
        let holed = all.filter(|(group, record)| self.check_coverage(**group, record).is_err());
        for group in holed.map(|(group, _)| *group).collect::<Vec<_>>() {
            self.groups.entry(group).or_default().truncate_after(None);
            self.segments
                .iter_mut()
                .for_each(|segment| segment.truncate_after(group, None));
            self.positions.remove(&group);
        }
    }
}
