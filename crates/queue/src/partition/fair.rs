//! Which message of a standard partition with tenants goes next.
//!
//! A tenant is noisy, as AWS has it, while it takes more than a tenth of what consumers do: of the
//! messages in flight, if it has some tens of its own among them, or of the time that messages were in
//! flight of late. The lowest message of all that are not of a noisy tenant goes first, so quiet ones
//! keep the order in which they came. If there is none, the noisy tenant with the fewest in flight
//! gives its lowest, of several the one that had least of late: so who is hardly noisy does not wait
//! behind a flood. A message without tenant is one of its own, and never noisy.
//!
//! Few tenants can be noisy at once, so the first quiet one is found after few noisy ones, however many
//! tenants there are.

use std::collections::BTreeMap;

use squorum_store::{StoreError, Txn, View};
use squorum_types::Timestamp;

use super::dead_letters::Fate;
use super::sample::Sample;
use super::tenants::Place;
use super::{Candidate, Partition};
use crate::Limits;
use crate::keys::{DELAYED_LANE, ORDINARY_LANE};
use crate::rows::corrupt;
use crate::step::Step;
use crate::stored_message::StoredMessage;

/// The part of the consumers above which a tenant is noisy: one in so many.
const NOISY_SHARE: u64 = 10;

/// What a receive has taken so far, which is not in flight yet.
#[derive(Debug, Default)]
struct Taken {
    by_tenant: BTreeMap<u32, u64>,
    messages: u64,
}

/// A tenant's first message.
#[derive(Clone, Copy, Debug)]
struct Turn {
    place: Place,
    tenant: u32,
}

/// How noisy a noisy tenant is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Noise {
    in_flight: u64,
    /// Of the time in flight of late, in millionths.
    share: u64,
}

/// What a look at the tenants' first messages finds.
#[derive(Debug, Default)]
struct Turns {
    /// The lowest of a quiet tenant.
    quiet: Option<Turn>,
    /// Of the least noisy of the others.
    noisy: Option<(Noise, Turn)>,
    /// As many as come before the first quiet one.
    noisy_tenants: u64,
}

/// Where the next message is.
enum Next {
    Ready(Place, u32),
    Fresh,
    Turn(Turn),
}

/// Messages that were never received and have no tenant, as one scan found them.
type Fresh = std::iter::Peekable<std::vec::IntoIter<(u64, Option<StoredMessage>)>>;

impl Partition {
    /// As [`choose_standard`](Self::choose_standard), where tenants have visible messages.
    pub(super) fn choose_fairly<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        count: usize,
    ) -> Result<Vec<Candidate>, StoreError> {
        let mut chosen = Vec::with_capacity(count);
        let mut taken = Taken::default();
        // Where all that is visible is of tenants, no scan is needed.
        let others = self.row.visible - self.visible_of_tenants();
        let fresh = match others {
            0 => Vec::new(),
            _ => self.scan_fresh(step, count)?,
        };
        let mut fresh = fresh.into_iter().peekable();
        for _ in 0..count + step.limits.step_budget {
            if chosen.len() == count {
                break;
            }
            let Some(next) = self.next_in_fairness(step, &mut fresh, &taken)? else {
                break;
            };
            let (candidate, place) = self.candidate(step, next, &mut fresh)?;
            match self.take(step, &candidate, place)? {
                Fate::HandedOut => {
                    *taken.by_tenant.entry(candidate.tenant).or_default() += 1;
                    taken.messages += 1;
                    chosen.push(candidate);
                }
                Fate::Gone => {}
                Fate::Waits => break,
            }
        }
        Ok(chosen)
    }

    fn next_in_fairness<T: Txn>(
        &mut self,
        step: &mut Step<'_, T>,
        fresh: &mut Fresh,
        taken: &Taken,
    ) -> Result<Option<Next>, StoreError> {
        let floor = &mut self.row.ready_floor;
        let ready = self.ready.first(step.txn, self.keys, floor)?;
        let ready = match ready {
            Some((place, lane)) => Some((place, lane_of(&lane)?)),
            None => None,
        };
        let fresh = fresh.peek().map(|(seq, _)| (*seq, *seq));
        let turns = self.turns(step.txn, step.now, step.limits, taken)?;
        let places = [
            ready.map(|it| it.0),
            fresh,
            turns.quiet.map(|turn| turn.place),
        ];
        let Some(first) = places.into_iter().flatten().min() else {
            return Ok(turns.noisy.map(|(_, turn)| Next::Turn(turn)));
        };
        Ok(Some(match (ready, turns.quiet) {
            (Some((place, lane)), _) if place == first => Next::Ready(place, lane),
            (_, Some(turn)) if turn.place == first => Next::Turn(turn),
            _ => Next::Fresh,
        }))
    }

    /// Whose turn it is as far as tenants go, and who is passed over.
    fn turns<V: View>(
        &mut self,
        view: &V,
        now: Timestamp,
        limits: &Limits,
        taken: &Taken,
    ) -> Result<Turns, StoreError> {
        let mut found = Turns::default();
        let (mut seen, mut wanted) = (0, 1);
        while seen < wanted && wanted <= limits.step_budget {
            let floor = &mut self.row.turn_floor;
            let turns = self.turns.first_many(view, self.keys, floor, wanted)?;
            for (place, tenant) in turns.iter().skip(seen) {
                let turn = Turn {
                    place: *place,
                    tenant: lane_of(tenant)?,
                };
                let Some(noise) = self.noise(view, now, limits, taken, turn.tenant)? else {
                    found.quiet = Some(turn);
                    return Ok(found);
                };
                found.noisy_tenants += 1;
                if found.noisy.is_none_or(|(least, _)| noise < least) {
                    found.noisy = Some((noise, turn));
                }
            }
            let all = turns.len() < wanted;
            seen = turns.len();
            wanted = if all { seen } else { 2 * wanted };
        }
        Ok(found)
    }

    /// `None` for a quiet tenant.
    fn noise<V: View>(
        &mut self,
        view: &V,
        now: Timestamp,
        limits: &Limits,
        taken: &Taken,
        tenant: u32,
    ) -> Result<Option<Noise>, StoreError> {
        let row = self.tenants.get(view, self.keys, tenant)?;
        let in_flight = row.in_flight + taken.by_tenant.get(&tenant).copied().unwrap_or(0);
        let all_in_flight = self.row.in_flight + taken.messages;
        let crowds =
            in_flight >= limits.noisy_in_flight_min && in_flight * NOISY_SHARE > all_in_flight;
        let flight = self.row.flight.unwrap_or_default();
        let flight_ms = Sample::sum(&flight, self.row.in_flight, now);
        let is_noisy = crowds || Sample::exceeds(row, NOISY_SHARE, flight_ms, now);
        Ok(is_noisy.then(|| Noise {
            in_flight,
            share: Sample::share(row, flight_ms, now),
        }))
    }

    /// Tenants that are passed over for being noisy, and whether nothing else is visible.
    pub(super) fn held_back<V: View>(
        &mut self,
        view: &V,
        now: Timestamp,
        limits: &Limits,
    ) -> Result<(u64, bool), StoreError> {
        let of_tenants = self.visible_of_tenants();
        if of_tenants == 0 {
            return Ok((0, false));
        }
        let turns = self.turns(view, now, limits, &Taken::default())?;
        let noisy_only = turns.quiet.is_none() && of_tenants == self.row.visible;
        Ok((turns.noisy_tenants, noisy_only))
    }

    pub(super) fn visible_of_tenants(&self) -> u64 {
        self.row.flight.map_or(0, |flight| flight.visible)
    }

    /// The next message, and its place unless it is at the cursor.
    fn candidate<T: Txn>(
        &self,
        step: &Step<'_, T>,
        next: Next,
        fresh: &mut Fresh,
    ) -> Result<(Candidate, Option<Place>), StoreError> {
        let (place, tenant, lane) = match next {
            Next::Fresh => {
                let (seq, message) = fresh.next().ok_or_else(|| corrupt("message table"))?;
                let fresh = Candidate::fresh(seq, ORDINARY_LANE);
                return Ok((Candidate { message, ..fresh }, None));
            }
            Next::Ready(place, lane) => (place, 0, lane),
            Next::Turn(turn) => (turn.place, turn.tenant, DELAYED_LANE),
        };
        let candidate = Candidate {
            tenant,
            delivery: self.delivery_row(step.txn, place.1)?,
            ..Candidate::fresh(place.1, lane)
        };
        Ok((candidate, Some(place)))
    }
}

/// A lane or a tenant, as the value of an index.
pub(super) fn lane_of(value: &[u8]) -> Result<u32, StoreError> {
    let bytes = value.first_chunk::<4>();
    let bytes = bytes.ok_or_else(|| corrupt("index value"))?;
    Ok(u32::from_be_bytes(*bytes))
}
