//! Which seeds a campaign runs.

use std::fs;
use std::path::Path;
use std::str::FromStr;

use anyhow::{Context, ensure};

/// Seeds from `first` on, `end` left out.
#[derive(Clone, Debug)]
pub(crate) struct Seeds {
    first: u64,
    end: u64,
}

impl Seeds {
    pub(crate) fn iter(&self) -> impl Iterator<Item = u64> + use<> {
        self.first..self.end
    }
}

impl FromStr for Seeds {
    type Err = anyhow::Error;

    fn from_str(text: &str) -> Result<Seeds, anyhow::Error> {
        let (first, end) = text.split_once("..").context("not of the form A..B")?;
        let seeds = Seeds {
            first: first.parse()?,
            end: end.parse()?,
        };
        ensure!(seeds.first < seeds.end, "no seeds");
        Ok(seeds)
    }
}

/// The seeds of a layer that found something once. A line has layer and seed, and then what it was;
/// `#` begins a comment.
pub(crate) fn regressions(path: &Path, layer: &str) -> anyhow::Result<Vec<u64>> {
    let text = fs::read_to_string(path).with_context(|| path.display().to_string())?;
    let mut seeds = Vec::new();
    for line in text.lines().filter(|line| !line.starts_with('#')) {
        let mut words = line.split_whitespace();
        match (words.next(), words.next(), words.next()) {
            (None, ..) => {}
            (Some(of), Some(seed), Some(_)) if of == layer => seeds.push(seed.parse()?),
            (Some(_), Some(_), Some(_)) => {}
            _ => anyhow::bail!("not of the form LAYER SEED WHAT: {line}"),
        }
    }
    Ok(seeds)
}
