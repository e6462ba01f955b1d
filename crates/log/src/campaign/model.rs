//! A naive reference of the log: every group a map of entries.

use std::collections::BTreeMap;

use bytes::Bytes;

use crate::{Entry, GroupId, Log, LogId};

/// One record's worth of change.
#[derive(Clone, Debug)]
pub(super) enum Act {
    Append(GroupId, Entry),
    Vote(GroupId, Bytes),
    Committed(GroupId, LogId),
    TruncateAfter(GroupId, Option<LogId>),
    Purge(GroupId, LogId),
}

#[derive(Clone, Default, PartialEq, Eq)]
pub(super) struct ModelGroup {
    pub(super) vote: Option<Bytes>,
    pub(super) committed: Option<LogId>,
    pub(super) purged: Option<LogId>,
    pub(super) entries: BTreeMap<u64, Entry>,
}

impl ModelGroup {
    pub(super) fn last(&self) -> Option<LogId> {
        self.entries
            .values()
            .next_back()
            .map(|entry| entry.id)
            .or(self.purged)
    }
}

impl std::fmt::Debug for ModelGroup {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let first = self.entries.keys().next();
        write!(f, "vote {:?}, committed {:?}, ", self.vote, self.committed)?;
        write!(
            f,
            "purged {:?}, entries {first:?}..={:?}",
            self.purged,
            self.last()
        )
    }
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Model(pub(super) BTreeMap<GroupId, ModelGroup>);

impl Model {
    pub(super) fn apply(&mut self, act: &Act) {
        match act {
            Act::Append(group, entry) => {
                self.group(*group)
                    .entries
                    .insert(entry.id.index, entry.clone());
            }
            Act::Vote(group, vote) => self.group(*group).vote = Some(vote.clone()),
            Act::Committed(group, id) => self.group(*group).committed = Some(*id),
            Act::TruncateAfter(group, kept) => {
                let kept = kept.map(|kept| kept.index);
                let group = self.group(*group);
                group
                    .entries
                    .retain(|index, _| kept.is_some_and(|kept| *index <= kept));
            }
            Act::Purge(group, upto) => {
                let group = self.group(*group);
                if group.purged.is_none_or(|purged| purged.index < upto.index) {
                    group.purged = Some(*upto);
                    group.entries.retain(|index, _| *index > upto.index);
                }
            }
        }
    }

    pub(super) fn get(&self, group: GroupId) -> ModelGroup {
        self.0.get(&group).cloned().unwrap_or_default()
    }

    fn group(&mut self, group: GroupId) -> &mut ModelGroup {
        self.0.entry(group).or_default()
    }

    /// Groups about which nothing is known are none.
    pub(super) fn tidy(mut self) -> Model {
        self.0.retain(|_, group| *group != ModelGroup::default());
        self
    }

    /// Everything that a log says, read in pieces of `max_bytes`.
    pub(super) fn observe(log: &Log, max_bytes: usize) -> Result<Model, String> {
        let mut model = Model::default();
        for group in log.groups() {
            let state = log.state(group);
            let mut entries = BTreeMap::new();
            let mut next = 0;
            loop {
                let read = log.read(group, next..u64::MAX, max_bytes);
                let read = read.map_err(|error| format!("reading {group:?} at {next}: {error}"))?;
                let Some(last) = read.last() else { break };
                if next > 0 && read[0].id.index != next {
                    return Err(format!("a hole in {group:?} at {next}"));
                }
                next = last.id.index + 1;
                entries.extend(read.into_iter().map(|entry| (entry.id.index, entry)));
            }
            let observed = ModelGroup {
                vote: state.vote,
                committed: state.committed,
                purged: state.purged,
                entries,
            };
            if observed.last() != state.last {
                return Err(format!(
                    "{group:?}: last is {:?}, read {observed:?}",
                    state.last
                ));
            }
            model.0.insert(group, observed);
        }
        Ok(model.tidy())
    }
}
