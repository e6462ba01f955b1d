//! Golden bytes: what is on disk somewhere must stay readable for ever.
#![allow(clippy::unwrap_used)]

use bytes::Bytes;
use openraft::EntryPayload;

use super::{CodecError, decode_applied, decode_vote, encode_applied, encode_vote, entry};
use crate::raft_types::{Command, Membership, RaftEntry, RaftVote, StoredMembership, log_id};
use crate::state_machine::Applied;

fn joint() -> Membership {
    Membership::new_with_defaults(vec![[1, 2, 3].into(), [2, 3, 300].into()], [9])
}

fn assert_golden(bytes: &[u8], golden: &str) {
    let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    assert_eq!(hex, golden);
}

#[test]
fn entries() {
    let cases = [
        (EntryPayload::Blank, "00"),
        (
            EntryPayload::Normal(Command(Bytes::from_static(b"\x01hello"))),
            "0168656c6c6f",
        ),
        (
            EntryPayload::Membership(joint()),
            "020a050a030102030a060a040203ac02120109",
        ),
    ];
    for (payload, golden) in cases {
        let raft_entry = RaftEntry {
            log_id: log_id(5, 77),
            payload,
        };
        let encoded = entry::encode(&raft_entry);
        assert_golden(&encoded.payload, golden);
        assert_eq!(encoded.id, squorum_log::LogId::new(5, 77));
        assert_eq!(entry::decode(encoded).unwrap(), raft_entry);
    }
}

#[test]
fn votes() {
    let golden = [
        (RaftVote::new(7, 300), "01080710ac02"),
        (RaftVote::new_committed(7, 300), "01080710ac021801"),
    ];
    for (vote, golden) in golden {
        assert_golden(&encode_vote(&vote), golden);
        assert_eq!(decode_vote(&encode_vote(&vote)).unwrap(), vote);
    }
}

#[test]
fn applied_rows() {
    let applied = Applied {
        log_id: Some(log_id(0, 0)),
        membership: StoredMembership::new(Some(log_id(3, 4)), joint()),
    };
    let golden = "010a00121a0a040803100412120a050a030102030a060a040203ac02120109";
    for (applied, golden) in [(applied, golden), (Applied::default(), "0112021200")] {
        assert_golden(&encode_applied(&applied), golden);
        assert_eq!(decode_applied(&encode_applied(&applied)).unwrap(), applied);
    }
}

#[test]
fn what_is_not_known_is_refused() {
    assert_eq!(decode_vote(b""), Err(CodecError::Empty { what: "vote" }));
    assert_eq!(
        decode_vote(b"\x02"),
        Err(CodecError::Version {
            what: "vote",
            version: 2
        })
    );
    assert!(matches!(
        decode_vote(b"\x01\xff"),
        Err(CodecError::Malformed { .. })
    ));
    let id = squorum_log::LogId::new(1, 1);
    for (payload, version) in [(&b""[..], None), (b"\x03", Some(3)), (b"\x02\xff", None)] {
        let payload = Bytes::from_static(payload);
        let error = entry::decode(squorum_log::Entry { id, payload }).unwrap_err();
        if let Some(version) = version {
            assert_eq!(
                error,
                CodecError::Version {
                    what: "log entry",
                    version
                }
            );
        }
    }
}
