//! `GET /metrics`: what the node observes of itself, as OpenMetrics text, which Prometheus reads.
//!
//! Nothing is kept here. A scrape asks the node, the front end and the kernel for their figures and
//! writes them down; hot paths only add to atomics.

mod groups;
mod log;
mod process;
mod queues;
mod requests;
mod sheet;

use std::fmt;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, text};
use prometheus_client::registry::Registry;
use squorum_aws::ActionCounts;
use squorum_node::Observation;

pub(crate) use self::process::ProcessFigures;
use self::sheet::Sheet;

/// What [`text`] is.
pub(crate) const CONTENT_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

/// Everything that one scrape shows.
#[derive(Debug)]
pub(crate) struct Figures {
    pub(crate) version: &'static str,
    pub(crate) ready: bool,
    /// `None` where the kernel does not say.
    pub(crate) process: Option<ProcessFigures>,
    /// `None` while the node is starting.
    pub(crate) node: Option<Observation>,
    pub(crate) requests: Option<Requests>,
}

/// Of the SQS port.
#[derive(Clone, Debug)]
pub(crate) struct Requests {
    pub(crate) connections: usize,
    pub(crate) actions: Vec<ActionCounts>,
}

/// One scrape's answer.
pub(crate) fn text(figures: Figures) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(figures));
    let mut written = String::new();
    text::encode(&mut written, &registry)?;
    Ok(written)
}

impl Collector for Figures {
    fn encode(&self, encoder: DescriptorEncoder<'_>) -> fmt::Result {
        let mut sheet = Sheet::new(encoder);
        sheet.info("squorum_build", "The program", &[("version", self.version)])?;
        sheet.gauge(
            "squorum_ready",
            "1 if this node can serve reads and writes",
            u64::from(self.ready),
        )?;
        if let Some(process) = &self.process {
            process::write(&mut sheet, process)?;
        }
        if let Some(node) = &self.node {
            groups::write(&mut sheet, node)?;
            log::write(&mut sheet, node)?;
            queues::write(&mut sheet, node)?;
        }
        if let Some(requests) = &self.requests {
            requests::write(&mut sheet, requests)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests;
