use std::fmt;

/// The addresses at which the founding members of a cluster are found, as every one of them is
/// configured: in order, without doubles, so that lists can be compared.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Seeds(Vec<String>);

impl Seeds {
    pub(crate) fn new<A: AsRef<str>>(addresses: impl IntoIterator<Item = A>) -> Seeds {
        let addresses = addresses.into_iter();
        let mut addresses: Vec<_> = addresses
            .map(|address| address.as_ref().trim().to_owned())
            .filter(|address| !address.is_empty())
            .collect();
        addresses.sort();
        addresses.dedup();
        Seeds(addresses)
    }

    pub(crate) fn addresses(&self) -> &[String] {
        &self.0
    }
}

impl fmt::Display for Seeds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        f.write_str(&self.0.join(","))
    }
}
