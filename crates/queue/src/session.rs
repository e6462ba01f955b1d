//! Exactly-once proposals.
//!
//! A gateway numbers its commands. The shard keeps the outcome of each until the gateway has
//! acknowledged it, so that a command proposed again gets the first outcome and runs once.
//!
//! Invariants:
//!
//! 1. A number runs at most once: it is refused when it was acknowledged, and answered from the
//!    window when its outcome is there.
//! 2. An outcome leaves the window only by acknowledgement or with its session; when the window is
//!    full, new commands are refused.
//! 3. Everything here is on disk too; memory holds numbers, not outcomes.
//!
//! The outcomes of one session in one entry are one row, so that a full entry pays for it once.

use std::collections::BTreeMap;

use prost::Message;
use squorum_proto::queue::{NumberRange, NumberedOutcome, Outcome, OutcomesRow, SessionRow};
use squorum_store::{Cursor, StoreError, Txn, View};
use squorum_types::Timestamp;

use crate::keys::{ShardKeys, trailing_seq};
use crate::rows::{self, corrupt};

/// Acknowledged ranges above the line, at most: more than a gateway can have between the numbers that
/// it has open, which are no more than the window and its batches under way hold. A gateway says only
/// once what it sees applied, so none of its ranges may be passed over.
const RANGES_MAX: usize = 16 * 1024;

/// What is known of a number.
#[derive(Debug)]
pub(crate) enum Known {
    New,
    Acknowledged,
    Outcome(Outcome),
}

#[derive(Debug)]
pub(crate) struct Session {
    id: u64,
    acknowledged_below: u64,
    /// First and last number of each range above the line; disjoint.
    acknowledged: BTreeMap<u64, u64>,
    last_seen: Timestamp,
    /// The row that holds the outcome of each number, by its first number.
    row_of: BTreeMap<u64, u64>,
    /// Numbers of a row that are not acknowledged.
    kept_in_row: BTreeMap<u64, usize>,
    /// Outcomes of the entry that is being applied.
    fresh: Vec<NumberedOutcome>,
}

impl Session {
    pub(crate) fn new(id: u64, now: Timestamp) -> Session {
        Session {
            id,
            acknowledged_below: 0,
            acknowledged: BTreeMap::new(),
            last_seen: now,
            row_of: BTreeMap::new(),
            kept_in_row: BTreeMap::new(),
            fresh: Vec::new(),
        }
    }

    /// A session as its row and its outcomes have it.
    pub(crate) fn load<V: View>(
        view: &V,
        shard: ShardKeys,
        id: u64,
        row: &SessionRow,
    ) -> Result<Session, StoreError> {
        let ranges = row
            .acknowledged
            .iter()
            .map(|range| (range.first, range.last));
        let mut session = Session {
            acknowledged_below: row.acknowledged_below,
            acknowledged: ranges.collect(),
            ..Session::new(id, Timestamp(row.last_seen_ms))
        };
        session.load_outcomes(view, shard, row.first_kept)?;
        Ok(session)
    }

    /// Loads the numbers of the rows from `first_kept` on; those below are deleted.
    fn load_outcomes<V: View>(
        &mut self,
        view: &V,
        shard: ShardKeys,
        first_kept: u64,
    ) -> Result<(), StoreError> {
        let range = shard.outcomes(self.id, first_kept)..shard.outcomes(self.id, u64::MAX);
        let mut cursor = view.scan(&range.start..&range.end)?;
        while let Some((key, row)) = cursor.next()? {
            let first = trailing_seq(key).ok_or_else(|| corrupt("outcomes key"))?;
            let row = OutcomesRow::decode(row).map_err(|_| corrupt("outcomes row"))?;
            for outcome in row.outcomes {
                if !self.is_acknowledged(outcome.number) {
                    self.row_of.insert(outcome.number, first);
                    *self.kept_in_row.entry(first).or_default() += 1;
                }
            }
        }
        Ok(())
    }

    pub(crate) fn last_seen(&self) -> Timestamp {
        self.last_seen
    }

    pub(crate) fn touch(&mut self, now: Timestamp) {
        self.last_seen = now;
    }

    /// Outcomes that wait for acknowledgement.
    pub(crate) fn window_len(&self) -> usize {
        self.row_of.len() + self.fresh.len()
    }

    pub(crate) fn known<V: View>(
        &self,
        view: &V,
        shard: ShardKeys,
        number: u64,
    ) -> Result<Known, StoreError> {
        if self.is_acknowledged(number) {
            return Ok(Known::Acknowledged);
        }
        if let Some(fresh) = self.fresh.iter().find(|outcome| outcome.number == number) {
            return Ok(Known::Outcome(outcome_of(fresh)?));
        }
        let Some(first) = self.row_of.get(&number) else {
            return Ok(Known::New);
        };
        let row = self.outcomes_row(view, shard, *first)?;
        let stored = row.outcomes.iter().find(|outcome| outcome.number == number);
        Ok(Known::Outcome(outcome_of(
            stored.ok_or_else(|| corrupt("outcomes row"))?,
        )?))
    }

    /// Keeps the outcome of a number that was not known.
    pub(crate) fn remember(&mut self, number: u64, outcome: Outcome) {
        self.fresh.push(NumberedOutcome {
            number,
            outcome: Some(outcome),
        });
    }

    /// Puts another outcome in the place of one that is kept.
    pub(crate) fn replace<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardKeys,
        number: u64,
        outcome: Outcome,
    ) -> Result<(), StoreError> {
        if let Some(fresh) = self
            .fresh
            .iter_mut()
            .find(|outcome| outcome.number == number)
        {
            fresh.outcome = Some(outcome);
            return Ok(());
        }
        let first = *self
            .row_of
            .get(&number)
            .ok_or_else(|| corrupt("outcomes row"))?;
        let mut row = self.outcomes_row(txn, shard, first)?;
        for stored in &mut row.outcomes {
            if stored.number == number {
                stored.outcome = Some(outcome.clone());
            }
        }
        rows::put(txn, shard.outcomes(self.id, first), &row);
        Ok(())
    }

    /// Lets go of what the gateway has: every number below the line and those in the ranges.
    pub(crate) fn acknowledge<T: Txn>(
        &mut self,
        txn: &mut T,
        shard: ShardKeys,
        below: u64,
        ranges: &[NumberRange],
    ) {
        if below > self.acknowledged_below {
            self.acknowledged_below = below;
        }
        for range in ranges {
            self.add_range(range.first, range.last);
        }
        self.raise_line();
        // A number given up unheard may have run in this very entry.
        let fresh = std::mem::take(&mut self.fresh).into_iter();
        self.fresh = fresh
            .filter(|outcome| !self.is_acknowledged(outcome.number))
            .collect();
        let known = self.row_of.keys().copied();
        let gone: Vec<u64> = known
            .filter(|number| self.is_acknowledged(*number))
            .collect();
        for number in gone {
            let Some(first) = self.row_of.remove(&number) else {
                continue;
            };
            let Some(kept) = self.kept_in_row.get_mut(&first) else {
                continue;
            };
            *kept -= 1;
            if *kept == 0 {
                self.kept_in_row.remove(&first);
                txn.delete_bytes(shard.outcomes(self.id, first));
            }
        }
    }

    /// Writes what the entry changed.
    pub(crate) fn save<T: Txn>(&mut self, txn: &mut T, shard: ShardKeys) {
        let outcomes = std::mem::take(&mut self.fresh);
        if let Some(first) = outcomes.first().map(|outcome| outcome.number) {
            self.row_of
                .extend(outcomes.iter().map(|outcome| (outcome.number, first)));
            self.kept_in_row.insert(first, outcomes.len());
            rows::put(
                txn,
                shard.outcomes(self.id, first),
                &OutcomesRow { outcomes },
            );
        }
        let ranges = self.acknowledged.iter();
        let row = SessionRow {
            acknowledged_below: self.acknowledged_below,
            acknowledged: ranges
                .map(|(&first, &last)| NumberRange { first, last })
                .collect(),
            last_seen_ms: self.last_seen.0,
            first_kept: self.kept_in_row.keys().next().copied().unwrap_or(u64::MAX),
        };
        rows::put(txn, shard.session(self.id), &row);
    }

    /// Removes every row of the session.
    pub(crate) fn forget<T: Txn>(self, txn: &mut T, shard: ShardKeys) {
        for first in self.kept_in_row.keys() {
            txn.delete_bytes(shard.outcomes(self.id, *first));
        }
        txn.delete_bytes(shard.session(self.id));
    }

    fn is_acknowledged(&self, number: u64) -> bool {
        let range = self.acknowledged.range(..=number).next_back();
        number < self.acknowledged_below || range.is_some_and(|(_, last)| number <= *last)
    }

    /// Joins a range with those it touches. Acknowledgements only ever grow: an old batch that
    /// comes late must not take one back.
    fn add_range(&mut self, mut first: u64, mut last: u64) {
        if first > last || last < self.acknowledged_below {
            return;
        }
        let mut has_room = self.acknowledged.len() < RANGES_MAX;
        while let Some((&start, &end)) = self
            .acknowledged
            .range(..=last.saturating_add(1))
            .next_back()
        {
            if end.saturating_add(1) < first {
                break;
            }
            first = first.min(start);
            last = last.max(end);
            self.acknowledged.remove(&start);
            has_room = true;
        }
        if has_room {
            self.acknowledged.insert(first, last);
        }
    }

    /// Drops ranges that the line has reached, and draws the line beyond them.
    fn raise_line(&mut self) {
        while let Some((&first, &last)) = self.acknowledged.first_key_value() {
            if first > self.acknowledged_below {
                break;
            }
            self.acknowledged.remove(&first);
            self.acknowledged_below = self.acknowledged_below.max(last.saturating_add(1));
        }
    }

    fn outcomes_row<V: View>(
        &self,
        view: &V,
        shard: ShardKeys,
        first: u64,
    ) -> Result<OutcomesRow, StoreError> {
        rows::get(view, &shard.outcomes(self.id, first))?.ok_or_else(|| corrupt("outcomes row"))
    }
}

fn outcome_of(stored: &NumberedOutcome) -> Result<Outcome, StoreError> {
    stored.outcome.clone().ok_or_else(|| corrupt("outcome"))
}
