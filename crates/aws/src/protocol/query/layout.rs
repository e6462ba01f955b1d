/// How a shape of the service model travels in the Query protocol: collections are flattened, each
/// element a parameter or an element of XML of its own, under names that differ from those of JSON.
#[derive(Debug)]
pub(crate) enum Layout {
    /// A text, a number, a boolean, or bytes in base64.
    Scalar,
    Structure(&'static [Member]),
    /// `name.1`, `name.2`, …; in XML one `name` after the other.
    List {
        name: &'static str,
        element: &'static Layout,
    },
    /// `name.1.key_name` with `name.1.value_name`, …
    Map {
        name: &'static str,
        key_name: &'static str,
        value_name: &'static str,
        value: &'static Layout,
    },
}

#[derive(Debug)]
pub(crate) struct Member {
    /// As in the model and in JSON.
    pub(crate) name: &'static str,
    pub(crate) layout: &'static Layout,
}

impl Member {
    /// As in the Query protocol.
    pub(super) fn wire_name(&self) -> &'static str {
        match self.layout {
            Layout::List { name, .. } | Layout::Map { name, .. } => name,
            Layout::Scalar | Layout::Structure(_) => self.name,
        }
    }
}
