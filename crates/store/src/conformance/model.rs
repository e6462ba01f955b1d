use std::collections::BTreeMap;
use std::ops::{Bound, Range};

use bytes::Bytes;

use super::Subject;
use super::directed::rows;
use crate::{Cursor, Overlay, Random, Store, Txn, View};

type Model = BTreeMap<Bytes, Bytes>;

/// Holds the number of the last batch; below every random key.
const COUNTER: &[u8] = &[0];
const SNAPSHOTS_MAX: usize = 3;

/// A long random run of everything a store does, each step compared with a plain map.
pub fn matches_the_model<S: Subject>(subject: S, seed: u64, steps: usize) {
    let mut run = Run {
        subject,
        random: Random::new(seed),
        model: Model::new(),
        number: 0,
        durable: Model::new(),
        durable_number: 0,
        since: Vec::new(),
        snapshots: Vec::new(),
    };
    for _ in 0..steps {
        run.step();
    }
    run.crash();
    run.check_all();
}

struct Run<S: Subject> {
    subject: S,
    random: Random,
    /// What the store must hold now, after batch `number`.
    model: Model,
    number: u64,
    /// What a crash must leave at least, and the batches committed since.
    durable: Model,
    durable_number: u64,
    since: Vec<Model>,
    snapshots: Vec<(<S::Store as Store>::Snapshot, Model)>,
}

impl<S: Subject> Run<S> {
    fn step(&mut self) {
        match self.random.below(100) {
            0..50 => self.commit(),
            50..70 => self.read(),
            70..80 => self.snapshot(),
            80..88 => self.flush(),
            88..92 => self.replace(),
            92..97 => self.check_all(),
            _ => self.crash(),
        }
    }

    /// Several entries on one overlay, read between writes, then one batch.
    fn commit(&mut self) {
        self.number += 1;
        let store = self.subject.store();
        let mut overlay = Overlay::new(store);
        let mut model = self.model.clone();
        let number = Bytes::copy_from_slice(&self.number.to_be_bytes());
        overlay.put(COUNTER, &number);
        model.insert(Bytes::from_static(COUNTER), number);
        for _ in 0..self.random.below(12) {
            let key = random_key(&mut self.random);
            if self.random.once_in(3) {
                overlay.delete(&key);
                model.remove(&key);
            } else {
                let value = random_value(&mut self.random);
                overlay.put_bytes(key.clone(), value.clone());
                model.insert(key, value);
            }
            if self.random.once_in(3) {
                check_read(&overlay, &model, &mut self.random);
            }
        }
        store
            .commit(overlay.into_batch())
            .expect("commit on a healthy store");
        self.since.push(model.clone());
        self.model = model;
    }

    fn read(&mut self) {
        check_read(self.subject.store(), &self.model, &mut self.random);
        for (snapshot, model) in &self.snapshots {
            check_read(snapshot, model, &mut self.random);
        }
    }

    fn snapshot(&mut self) {
        if self.snapshots.len() == SNAPSHOTS_MAX {
            let oldest = self.random.below(SNAPSHOTS_MAX as u64) as usize;
            let (snapshot, model) = self.snapshots.swap_remove(oldest);
            check_whole(&snapshot, &model);
        }
        self.snapshots
            .push((self.subject.store().snapshot(), self.model.clone()));
    }

    fn flush(&mut self) {
        self.subject
            .store()
            .flush()
            .expect("flush on a healthy store");
        self.everything_is_durable();
    }

    fn everything_is_durable(&mut self) {
        self.durable.clone_from(&self.model);
        self.durable_number = self.number;
        self.since.clear();
    }

    fn replace(&mut self) {
        let range = random_range(&mut self.random);
        if range.start >= range.end {
            return;
        }
        let rows: Model = (0..self.random.below(20))
            .map(|_| (random_key(&mut self.random), random_value(&mut self.random)))
            .filter(|(key, _)| range.contains(key))
            .collect();
        self.model.retain(|key, _| !range.contains(key));
        self.model.extend(rows.clone());
        let scratch = self.subject.scratch();
        self.subject
            .store()
            .replace_range(range, &mut rows.into_iter().map(Ok), scratch)
            .expect("fitting rows on a healthy store");
        self.everything_is_durable();
    }

    fn crash(&mut self) {
        self.snapshots.clear();
        let seed = self.random.next_u64();
        self.subject.crash(seed);
        let found = self
            .subject
            .store()
            .get(COUNTER)
            .expect("get after a crash");
        let found = found.map_or(0, |value| {
            u64::from_be_bytes(value[..].try_into().expect("the counter has eight bytes"))
        });
        assert!(
            (self.durable_number..=self.number).contains(&found),
            "batch {found} is the last after a crash; {} was flushed, {} committed",
            self.durable_number,
            self.number,
        );
        self.model = match (found - self.durable_number) as usize {
            0 => self.durable.clone(),
            kept => self.since[kept - 1].clone(),
        };
        self.number = found;
        check_whole(self.subject.store(), &self.model);
        self.everything_is_durable();
    }

    fn check_all(&self) {
        check_whole(self.subject.store(), &self.model);
        for (snapshot, model) in &self.snapshots {
            check_whole(snapshot, model);
        }
    }
}

fn check_whole<V: View>(view: &V, model: &Model) {
    let expect: Vec<_> = model
        .iter()
        .map(|(key, value)| (key.clone(), value.clone()))
        .collect();
    assert_eq!(rows(view, &[]..&[0xff; 16]), expect);
}

/// One point read, and one scan that may stop early.
fn check_read<V: View>(view: &V, model: &Model, random: &mut Random) {
    let key = random_key(random);
    assert_eq!(
        view.get(&key).expect("get"),
        model.get(&key).cloned(),
        "get of {key:?}"
    );
    assert_eq!(
        view.contains(&key).expect("contains"),
        model.contains_key(&key)
    );

    let range = random_range(random);
    let limit = random.below(12) as usize;
    let end = range.end.clone().max(range.start.clone());
    let mut expect = model
        .range::<Bytes, _>((Bound::Included(&range.start), Bound::Excluded(&end)))
        .take(limit);
    let mut cursor = view.scan(&range.start..&range.end).expect("scan");
    assert!(cursor.row().is_none(), "a row before the first step");
    for _ in 0..limit {
        let found = cursor.next().expect("step");
        let found = found.map(|(key, value)| (key.to_vec(), value.to_vec()));
        let wanted = expect
            .next()
            .map(|(key, value)| (key.to_vec(), value.to_vec()));
        assert_eq!(found, wanted, "scan of {range:?}");
        assert_eq!(
            cursor.value_bytes().map(|value| value.to_vec()),
            wanted.map(|row| row.1)
        );
    }
}

/// Short keys over few letters, so that they meet often; one may be the prefix of another, and
/// bytes above 0x7f show a signed comparison.
fn random_key(random: &mut Random) -> Bytes {
    const LETTERS: &[u8] = &[0x01, b'k', 0x80, 0xfe];
    let length = 1 + random.below(4);
    (0..length)
        .map(|_| LETTERS[random.below(LETTERS.len() as u64) as usize])
        .collect()
}

fn random_value(random: &mut Random) -> Bytes {
    let length = if random.once_in(8) {
        0
    } else {
        random.below(300)
    };
    let fill = random.next_u64() as u8;
    vec![fill; length as usize].into()
}

/// Mostly a range in order, now and then an empty or inverted one.
fn random_range(random: &mut Random) -> Range<Bytes> {
    let (one, other) = (random_key(random), random_key(random));
    if random.once_in(10) {
        one..other
    } else {
        one.clone().min(other.clone())..one.max(other)
    }
}
