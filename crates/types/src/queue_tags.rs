use std::collections::BTreeMap;

/// A queue's tags by their keys. They mean nothing to the service.
pub type QueueTags = BTreeMap<String, String>;
