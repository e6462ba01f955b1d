use bytes::Bytes;
use squorum_proto::MalformedError;

/// Names one call of a client: random, and the same in every retry of its proposal, so that a
/// retry finds its own effect instead of having it twice.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RequestId(pub [u8; 16]);

impl RequestId {
    pub(crate) fn encode(self) -> Bytes {
        Bytes::copy_from_slice(&self.0)
    }

    pub(crate) fn decode(bytes: &Bytes) -> Result<RequestId, MalformedError> {
        let id = bytes.as_ref().try_into();
        id.map(RequestId).map_err(|_| MalformedError("request id"))
    }

    /// `None` if there is none.
    pub(crate) fn decode_optional(bytes: &Bytes) -> Result<Option<RequestId>, MalformedError> {
        let given = !bytes.is_empty();
        given.then(|| RequestId::decode(bytes)).transpose()
    }
}
