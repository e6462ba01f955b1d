//! `GetCallerIdentity` of the Security Token Service, by which tools find out whose credentials they
//! have before they ask for anything else.

use bytes::Bytes;
use serde_json::json;
use squorum_types::Caller;

use super::layout::{Layout, Member};
use super::{Notation, json, xml};
use crate::credential::root_of;
use crate::protocol::Answer;

pub(super) const VERSION: &str = "2011-06-15";
pub(super) const ACTION: &str = "GetCallerIdentity";

static RESULT: Layout = Layout::Structure(&[
    Member {
        name: "Arn",
        layout: &Layout::Scalar,
    },
    Member {
        name: "UserId",
        layout: &Layout::Scalar,
    },
    Member {
        name: "Account",
        layout: &Layout::Scalar,
    },
]);

pub(crate) fn caller_identity(caller: &Caller, notation: Notation, request_id: &str) -> Answer {
    let account = caller.account.as_str();
    // Until there are users, everybody is their account's root.
    let identity = json!({
        "Arn": root_of(&caller.account, &caller.region),
        "UserId": account,
        "Account": account,
    });
    let result = Some((&RESULT, &identity));
    let body = match notation {
        Notation::Xml => xml::response(&xml::STS, ACTION, result, request_id),
        Notation::Json => json::response(ACTION, result, request_id),
    };
    Answer::success(notation.content_type(), Bytes::from(body))
}
