//! A file of the simulated disk: what is durable, what the page cache shows, and what lies between.

use super::random::Random;

const SECTOR_BYTES: u64 = 512;

#[derive(Clone, Debug)]
enum Change {
    Write { offset: u64, bytes: Vec<u8> },
    Length(u64),
}

#[derive(Clone, Debug, Default)]
pub(super) struct Inode {
    pub(super) cache: Vec<u8>,
    durable: Vec<u8>,
    unsynced: Vec<Change>,
}

impl Inode {
    pub(super) fn write(&mut self, offset: u64, bytes: &[u8]) {
        put(&mut self.cache, offset, bytes);
        self.unsynced.push(Change::Write {
            offset,
            bytes: bytes.to_vec(),
        });
    }

    pub(super) fn set_len(&mut self, length: u64) {
        self.cache.resize(length as usize, 0);
        self.unsynced.push(Change::Length(length));
    }

    pub(super) fn sync(&mut self) {
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Change::Write { offset, bytes } => put(&mut self.durable, offset, &bytes),
                Change::Length(length) => self.durable.resize(length as usize, 0),
            }
        }
    }

    /// The sync failed: some sectors are durable, the others are forgotten, the cache shows all.
    pub(super) fn fail_sync(&mut self, random: &mut Random) {
        for change in std::mem::take(&mut self.unsynced) {
            match change {
                Change::Write { offset, bytes } => self.tear(offset, &bytes, random),
                Change::Length(length) if random.percent(50) => {
                    self.durable.resize(length as usize, 0);
                }
                Change::Length(_) => {}
            }
        }
    }

    pub(super) fn lose_power(&mut self, random: &mut Random) {
        self.fail_sync(random);
        self.cache.clone_from(&self.durable);
    }

    /// Makes all sectors of a write durable, or none, or some.
    fn tear(&mut self, offset: u64, bytes: &[u8], random: &mut Random) {
        let percent_kept = match random.below(4) {
            0 => 0,
            1 => 100,
            _ => random.below(100),
        };
        let mut at = 0;
        while at < bytes.len() {
            let position = offset + at as u64;
            let end_of_sector = (position / SECTOR_BYTES + 1) * SECTOR_BYTES;
            let size = ((end_of_sector - position) as usize).min(bytes.len() - at);
            if random.percent(percent_kept) {
                put(&mut self.durable, position, &bytes[at..at + size]);
            }
            at += size;
        }
    }

    /// Damages the medium itself, after all writes have reached it: a later write-back would undo
    /// the damage.
    pub(super) fn damage(&mut self, damage: impl Fn(&mut [u8])) {
        self.sync();
        damage(&mut self.durable);
        damage(&mut self.cache);
    }
}

fn put(target: &mut Vec<u8>, offset: u64, bytes: &[u8]) {
    let offset = offset as usize;
    if target.len() < offset + bytes.len() {
        target.resize(offset + bytes.len(), 0);
    }
    target[offset..offset + bytes.len()].copy_from_slice(bytes);
}
