//! Tenants of standard queues: which message goes next when some of them are noisy.

use std::collections::{BTreeMap, BTreeSet};

use super::Rules;
use super::partition::{Message, Partition, State};

/// A tenant is noisy with more than this part of what consumers do: one in so many.
const NOISY_SHARE: u64 = 10;
/// What consumers did is weighed less after so long.
const SAMPLE_MS_MAX: u64 = 60_000;

/// Less than any number if the tenant is quiet; else what it has in flight, then its share of the time in
/// millionths.
type Noise = (u64, u64);

/// What consumers did since a tenant has had something visible.
#[derive(Clone, Copy, Debug)]
struct Backlog {
    since_ms: u64,
    /// Time in flight of the tenant's messages, and of all.
    held_ms: u64,
    of_ms: u64,
    /// The tenant's messages that were in flight.
    messages: u64,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Tenants {
    clock_ms: u64,
    backlogs: BTreeMap<u32, Backlog>,
}

impl Partition {
    fn in_flight(&self, of: impl Fn(&Message) -> bool) -> u64 {
        let in_flight = |message: &&Message| matches!(message.state, State::InFlight(_));
        let messages = self.messages.iter().filter(in_flight);
        messages.filter(|message| of(message)).count() as u64
    }

    pub(crate) fn pass_time(&mut self, clock_ms: u64) {
        let passed_ms = clock_ms - self.tenants.clock_ms;
        let of_ms = passed_ms * self.in_flight(|_| true);
        let tenants: Vec<u32> = self.tenants.backlogs.keys().copied().collect();
        for tenant in tenants {
            let held_ms = passed_ms * self.in_flight(|message| message.tenant == tenant);
            let backlog = self.tenants.backlogs.get_mut(&tenant).unwrap();
            backlog.held_ms += held_ms;
            backlog.of_ms += of_ms;
        }
        self.tenants.clock_ms = clock_ms;
    }

    /// A message of the tenant is about to become visible.
    pub(super) fn backlog_begins(&mut self, tenant: u32) {
        let visible = |message: &Message| message.state == State::Visible;
        let mut messages = self.messages.iter();
        if tenant == 0 || messages.any(|message| message.tenant == tenant && visible(message)) {
            return;
        }
        let backlog = Backlog {
            since_ms: self.tenants.clock_ms,
            held_ms: 0,
            of_ms: 0,
            messages: self.in_flight(|message| message.tenant == tenant),
        };
        self.tenants.backlogs.insert(tenant, backlog);
    }

    /// A message goes into flight or comes out of it.
    fn flight_changes(&mut self, at: usize) {
        let clock_ms = self.tenants.clock_ms;
        let tenant = self.messages[at].tenant;
        if let Some(backlog) = self.tenants.backlogs.get_mut(&tenant)
            && clock_ms - backlog.since_ms >= SAMPLE_MS_MAX
        {
            backlog.since_ms = clock_ms - SAMPLE_MS_MAX / 2;
            backlog.held_ms /= 2;
            backlog.of_ms /= 2;
        }
    }

    pub(super) fn leave_flight(&mut self, at: usize) {
        if matches!(self.messages[at].state, State::InFlight(_)) {
            self.flight_changes(at);
        }
    }

    pub(super) fn fly(&mut self, at: usize, deadline_ms: u64) {
        self.flight_changes(at);
        if let Some(backlog) = self.tenants.backlogs.get_mut(&self.messages[at].tenant) {
            backlog.messages += 1;
        }
        self.messages[at].state = State::InFlight(deadline_ms);
    }

    pub(super) fn show(&mut self, at: usize) {
        self.leave_flight(at);
        if self.messages[at].state != State::Visible {
            // It has left flight when the backlog begins.
            self.messages[at].state = State::Chosen;
            self.backlog_begins(self.messages[at].tenant);
        }
        self.messages[at].state = State::Visible;
    }

    /// What is visible, and what a receive takes next first: how noisy, at which place, of whom. Of a
    /// quiet tenant the noise is `None`, which is less than any number.
    fn in_fairness(&self, rules: Rules) -> BTreeSet<(Option<Noise>, u64, u64, u32)> {
        let visible = self.messages.iter();
        let visible = visible.filter(|message| message.state == State::Visible);
        let keys = visible.map(|message| {
            let noise = self.noise(message.tenant, rules);
            (noise, message.order, message.seq, message.tenant)
        });
        keys.collect()
    }

    pub(super) fn next_in_fairness(&self, rules: Rules) -> Option<u64> {
        self.in_fairness(rules).first().map(|(_, _, seq, _)| *seq)
    }

    pub(crate) fn noisy_only(&self, rules: Rules) -> bool {
        let first = self.in_fairness(rules).first().copied();
        first.is_some_and(|(noise, ..)| noise.is_some())
    }

    /// Noisy tenants with a visible message before that of every quiet tenant.
    pub(crate) fn noisy_tenants(&self, rules: Rules) -> u64 {
        let all = self.in_fairness(rules);
        let of_tenants = all.iter().filter(|(.., tenant)| *tenant != 0);
        let quiet = of_tenants.clone().find(|(noise, ..)| noise.is_none());
        let quiet = quiet.map_or((u64::MAX, 0), |(_, order, seq, _)| (*order, *seq));
        let before =
            of_tenants.filter(|(noise, order, seq, _)| noise.is_some() && (*order, *seq) < quiet);
        let tenants: BTreeSet<u32> = before.map(|(.., tenant)| *tenant).collect();
        tenants.len() as u64
    }

    /// How many messages a noisy tenant has in flight, and its share of the time.
    fn noise(&self, tenant: u32, rules: Rules) -> Option<Noise> {
        let backlog = self.tenants.backlogs.get(&tenant)?;
        let busy = |message: &&Message| matches!(message.state, State::InFlight(_) | State::Chosen);
        let all = self.messages.iter().filter(busy).count() as u64;
        let own = self.messages.iter().filter(busy);
        let own = own.filter(|message| message.tenant == tenant).count() as u64;
        let crowds = own >= rules.noisy_in_flight_min && own * NOISY_SHARE > all;
        // As many messages as tenants could have this share tell nothing at first.
        let is_long = self.tenants.clock_ms - backlog.since_ms >= SAMPLE_MS_MAX / 2;
        let untold = if is_long { 0.0 } else { NOISY_SHARE as f64 };
        let messages = backlog.messages as f64;
        let told_ms = backlog.held_ms as f64 * (messages - untold).max(0.0);
        let slow = told_ms * NOISY_SHARE as f64 > backlog.of_ms as f64 * messages;
        let share = backlog.held_ms * 1_000_000 / backlog.of_ms.max(1);
        (crowds || slow).then_some((own, share))
    }
}
