//! The sessions of a shard: one for each gateway that was heard of lately.

use std::collections::{BTreeMap, BTreeSet};

use prost::Message;
use squorum_proto::queue::{SessionBatch, SessionRow};
use squorum_store::{Cursor, StoreError, Txn, View};
use squorum_types::Timestamp;

use crate::Limits;
use crate::keys::{ShardKeys, Table, trailing_seq};
use crate::rows::corrupt;
use crate::session::Session;

#[derive(Debug)]
pub(crate) struct Sessions {
    shard: ShardKeys,
    by_id: BTreeMap<u64, Session>,
    /// Those that the current entry has batches of.
    heard: BTreeSet<u64>,
}

impl Sessions {
    pub(crate) fn load<V: View>(view: &V, shard: ShardKeys) -> Result<Sessions, StoreError> {
        let mut rows = BTreeMap::new();
        let range = shard.table(Table::Session);
        let mut cursor = view.scan(&range.start..&range.end)?;
        while let Some((key, row)) = cursor.next()? {
            let id = trailing_seq(key).ok_or_else(|| corrupt("session key"))?;
            let row = SessionRow::decode(row).map_err(|_| corrupt("session row"))?;
            rows.insert(id, row);
        }
        let mut by_id = BTreeMap::new();
        for (id, row) in rows {
            by_id.insert(id, Session::load(view, shard, id, &row)?);
        }
        Ok(Sessions {
            shard,
            by_id,
            heard: BTreeSet::new(),
        })
    }

    pub(crate) fn get(&self, id: u64) -> Option<&Session> {
        self.by_id.get(&id)
    }

    pub(crate) fn get_mut(&mut self, id: u64) -> Option<&mut Session> {
        self.by_id.get_mut(&id)
    }

    /// Makes a session, unless it is there or there is no room.
    pub(crate) fn open<T: Txn>(&mut self, txn: &mut T, id: u64, now: Timestamp, limits: &Limits) {
        if self.by_id.contains_key(&id) {
            return;
        }
        if self.by_id.len() >= limits.sessions_max {
            self.make_room(txn, now, limits.session_quiet_ms);
        }
        if self.by_id.len() < limits.sessions_max {
            self.by_id.insert(id, Session::new(id, now));
        }
    }

    /// Forgets the session that was silent for longest, if that is long enough: a gateway opens one
    /// at each of its starts, and one that starts over and over must not keep the others out.
    fn make_room<T: Txn>(&mut self, txn: &mut T, now: Timestamp, quiet_ms: u64) {
        let sessions = self.by_id.iter();
        let oldest = sessions.min_by_key(|(_, session)| session.last_seen());
        let quiet = oldest.filter(|(_, session)| session.last_seen().plus_ms(quiet_ms) <= now);
        let id = quiet.map(|(id, _)| *id);
        if let Some(session) = id.and_then(|id| self.by_id.remove(&id)) {
            session.forget(txn, self.shard);
        }
    }

    /// A batch of the session has come, if there is such a session, and says what its gateway has.
    pub(crate) fn hear<T: Txn>(&mut self, txn: &mut T, batch: &SessionBatch, now: Timestamp) {
        let Some(session) = self.by_id.get_mut(&batch.session) else {
            return;
        };
        session.touch(now);
        let (below, ranges) = (batch.acknowledged_below, &batch.acknowledged);
        session.acknowledge(txn, self.shard, below, ranges);
        self.heard.insert(batch.session);
    }

    /// Saves the sessions of this entry and forgets those that were silent for too long.
    pub(crate) fn save<T: Txn>(&mut self, txn: &mut T, now: Timestamp, limits: &Limits) {
        let heard = std::mem::take(&mut self.heard);
        for id in &heard {
            if let Some(session) = self.by_id.get_mut(id) {
                session.save(txn, self.shard);
            }
        }
        let ttl_ms = limits.session_ttl_ms;
        let silent = self.by_id.extract_if(.., |id, session| {
            !heard.contains(id) && session.last_seen().plus_ms(ttl_ms) <= now
        });
        for (_, session) in silent {
            session.forget(txn, self.shard);
        }
    }
}
