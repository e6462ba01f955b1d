//! Tenants of a standard partition: whose messages wait, in what order, and what consumers spend on
//! them. Which one goes next is decided in [`fair`](super::fair).
//!
//! A tenant's messages lie where the cursor does not find them; those that are visible, fresh or come
//! back, are in an order of the tenant's own. Invariants:
//!
//! 1. A tenant has a row exactly while it has messages visible or in flight; so what there is on disk
//!    does not grow with the tenants that there ever were.
//! 2. The first of its visible messages is in the row and in the turn index, the others are in the
//!    table of messages behind: one look at the turn index finds every tenant that can give something,
//!    in the order of their first messages.
//! 3. A partition that never had a tenant's message has no sum of flight either, and does nothing here.

use std::collections::BTreeMap;

use bytes::Bytes;
use squorum_proto::queue::{Flight, TenantRow};
use squorum_store::{Cursor, StoreError, Txn, View};

use super::Partition;
use super::sample::Sample;
use crate::keys::{DELAYED_LANE, GenerationKeys};
use crate::rows::{self, corrupt};
use crate::step::Step;

/// The place of a visible message: its order, then its position.
pub(super) type Place = (u64, u64);

/// The rows of tenants that the current entry works with. They are written at its end.
#[derive(Debug, Default)]
pub(super) struct Tenants {
    rows: BTreeMap<u32, Loaded>,
}

#[derive(Debug)]
struct Loaded {
    row: TenantRow,
    /// The row as the transaction has it.
    saved: Option<TenantRow>,
}

impl Tenants {
    pub(super) fn get<V: View>(
        &mut self,
        view: &V,
        keys: GenerationKeys,
        tenant: u32,
    ) -> Result<&mut TenantRow, StoreError> {
        use std::collections::btree_map::Entry;
        let loaded = match self.rows.entry(tenant) {
            Entry::Occupied(entry) => entry.into_mut(),
            Entry::Vacant(entry) => {
                let saved: Option<TenantRow> = rows::get(view, &keys.tenant(tenant))?;
                let row = saved.unwrap_or_default();
                entry.insert(Loaded { row, saved })
            }
        };
        Ok(&mut loaded.row)
    }

    pub(super) fn save<T: Txn>(&mut self, txn: &mut T, keys: GenerationKeys) {
        for (tenant, Loaded { row, saved }) in std::mem::take(&mut self.rows) {
            let has_messages = row.visible + row.in_flight > 0;
            match saved {
                Some(saved) if has_messages && saved == row => {}
                _ if has_messages => rows::put(txn, keys.tenant(tenant), &row),
                Some(_) => txn.delete_bytes(keys.tenant(tenant)),
                None => {}
            }
        }
    }
}

impl Partition {
    /// Makes a message visible that the cursor does not find: of a tenant, or 0.
    pub(super) fn show<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        tenant: u32,
        place: Place,
        lane: u32,
    ) -> Result<(), StoreError> {
        if tenant == 0 {
            self.insert_ready(step, place, lane);
            return Ok(());
        }
        let in_flight = self.row.in_flight;
        let flight = self.flight(step);
        flight.visible += 1;
        let flight_ms = Sample::sum(flight, in_flight, step.now);
        let row = self.tenants.get(step.txn, self.keys, tenant)?;
        if row.visible == 0 {
            Sample::begin(row, flight_ms, step.now);
        }
        row.visible += 1;
        let head = (row.head_order, row.head_seq);
        let behind = if head == (0, 0) || place < head {
            (row.head_order, row.head_seq) = place;
            if head != (0, 0) {
                self.turns.remove(step.txn, self.keys, head);
            }
            self.give_turn(step, tenant, place);
            head
        } else {
            place
        };
        if behind != (0, 0) {
            let key = self.keys.tenant_message(tenant, behind);
            step.txn.put_bytes(key, Bytes::new());
        }
        Ok(())
    }

    /// Takes a message out of what makes it visible.
    pub(super) fn hide<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        tenant: u32,
        place: Place,
    ) -> Result<(), StoreError> {
        if tenant == 0 {
            self.ready.remove(step.txn, self.keys, place);
            return Ok(());
        }
        self.flight(step).visible -= 1;
        let row = self.tenants.get(step.txn, self.keys, tenant)?;
        row.visible -= 1;
        if place != (row.head_order, row.head_seq) {
            step.txn
                .delete_bytes(self.keys.tenant_message(tenant, place));
            return Ok(());
        }
        self.turns.remove(step.txn, self.keys, place);
        if row.visible == 0 {
            (row.head_order, row.head_seq) = (0, 0);
            return Ok(());
        }
        let range = self.keys.tenant_messages_behind(tenant, place);
        let next = first_place(step.txn, &range.start, &range.end)?;
        let next = next.ok_or_else(|| corrupt("a tenant's count of visible messages"))?;
        (row.head_order, row.head_seq) = next;
        step.txn
            .delete_bytes(self.keys.tenant_message(tenant, next));
        self.give_turn(step, tenant, next);
        Ok(())
    }

    /// Makes a standard message visible that was stored now.
    pub(crate) fn show_new<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        seq: u64,
        tenant: u32,
    ) -> Result<(), StoreError> {
        self.row.visible += 1;
        if tenant == 0 {
            // The cursor finds it.
            return Ok(());
        }
        self.row.last_delayed_seq = seq;
        self.show(step, tenant, (seq, seq), DELAYED_LANE)
    }

    fn give_turn<T: Txn>(&mut self, step: &mut Step<'_, T>, tenant: u32, place: Place) {
        let value = Bytes::copy_from_slice(&tenant.to_be_bytes());
        let floor = &mut self.row.turn_floor;
        self.turns.insert(step.txn, self.keys, floor, place, value);
    }

    /// What is known of the partition's flight, from the first tenant's message on.
    fn flight<T>(&mut self, step: &Step<'_, T>) -> &mut Flight {
        if self.row.flight.is_none() {
            self.row.turn_floor = u64::MAX;
        }
        self.row.flight.get_or_insert(Flight {
            at_ms: step.now.0,
            ..Flight::default()
        })
    }

    /// A message goes into flight, or comes out of it.
    pub(super) fn change_flight<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        tenant: u32,
        change: i64,
    ) -> Result<(), StoreError> {
        let in_flight = self.row.in_flight;
        if let Some(flight) = &mut self.row.flight {
            let flight_ms = Sample::sum(flight, in_flight, step.now);
            (flight.message_ms, flight.at_ms) = (flight_ms, step.now.0);
            if tenant != 0 {
                let row = self.tenants.get(step.txn, self.keys, tenant)?;
                Sample::count(row, flight_ms, step.now);
                row.in_flight = changed(row.in_flight, change);
                row.messages += u64::from(change > 0);
            }
        }
        self.row.in_flight = changed(in_flight, change);
        Ok(())
    }
}

fn changed(count: u64, change: i64) -> u64 {
    let changed = count.checked_add_signed(change);
    changed.expect("what comes out of flight was counted")
}

/// The lowest place in a range of keys that end in one.
fn first_place<V: View>(view: &V, start: &[u8], end: &[u8]) -> Result<Option<Place>, StoreError> {
    let mut cursor = view.scan(start..end)?;
    let Some((key, _)) = cursor.next()? else {
        return Ok(None);
    };
    let (rest, seq) = key
        .split_last_chunk::<8>()
        .ok_or_else(|| corrupt("tenant message"))?;
    let order = rest
        .last_chunk::<8>()
        .ok_or_else(|| corrupt("tenant message"))?;
    Ok(Some((u64::from_be_bytes(*order), u64::from_be_bytes(*seq))))
}
