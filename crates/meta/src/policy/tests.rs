#![allow(clippy::unwrap_used)]

use squorum_store::Random;
use squorum_types::{AccountId, Permission, PermissionRefusal, QueueArn};

use super::{with_statement, without_statement};

fn queue() -> QueueArn {
    QueueArn::parse("arn:aws:sqs:us-east-1:000000000000:orders").unwrap()
}

fn permission(label: &str, accounts: &[&str], actions: &[&str]) -> Permission {
    let accounts = accounts.iter().map(|id| AccountId::parse(id).unwrap());
    Permission {
        label: label.to_owned(),
        accounts: accounts.collect(),
        actions: actions.iter().map(|&action| action.to_owned()).collect(),
    }
}

fn receive(label: &str) -> Permission {
    permission(label, &["111122223333"], &["ReceiveMessage"])
}

fn add(policy: Option<&str>, label: &str) -> Result<String, PermissionRefusal> {
    with_statement(policy, &queue(), &receive(label))
}

/// As AWS's own answers are, to the byte.
#[test]
fn the_first_statement_makes_a_policy() {
    let one = add(None, "a").unwrap();
    assert_eq!(
        one,
        r#"{"Version":"2008-10-17","Id":"arn:aws:sqs:us-east-1:000000000000:orders/SQSDefaultPolicy","Statement":[{"Sid":"a","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::111122223333:root"},"Action":"SQS:ReceiveMessage","Resource":"arn:aws:sqs:us-east-1:000000000000:orders"}]}"#
    );
    let several = permission(
        "b",
        &["111122223333", "444455556666"],
        &["SendMessage", "*"],
    );
    let two = with_statement(Some(&one), &queue(), &several).unwrap();
    let statement = r#",{"Sid":"b","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::111122223333:root","arn:aws:iam::444455556666:root"]},"Action":["SQS:SendMessage","SQS:*"],"Resource":"arn:aws:sqs:us-east-1:000000000000:orders"}]}"#;
    assert_eq!(two, one.replace("]}", statement));
    assert_eq!(add(Some(&two), "b"), Err(PermissionRefusal::LabelExists));
    assert_eq!(without_statement(Some(&two), "b"), Ok(Some(one.clone())));
    assert_eq!(without_statement(Some(&one), "a"), Ok(None));
    let missing = Err(PermissionRefusal::LabelMissing);
    assert_eq!(without_statement(Some(&one), "b"), missing);
    assert_eq!(without_statement(None, "b"), missing);
}

/// What the owner wrote stays as it is, down to spaces, escapes and numbers.
#[test]
fn a_policy_of_the_owner_is_extended() {
    let new = add(None, "n").unwrap();
    let new = &new[new.find("[{").unwrap() + 1..new.len() - 2];
    let cases = [
        ("{}", format!(r#"{{"Statement":[{new}]}}"#)),
        (
            r#" { "Version" : 1.50E+3 } "#,
            format!(r#" {{ "Version" : 1.50E+3 ,"Statement":[{new}]}} "#),
        ),
        (
            r#"{"Statement": [ ] , "Id":"}\"]"}"#,
            format!(r#"{{"Statement": [{new}] , "Id":"}}\"]"}}"#),
        ),
        (
            r#"{"Statement":{ "Sid":"\u0061", "x":[{"Sid":"n"}] }}"#,
            format!(r#"{{"Statement":[{{ "Sid":"\u0061", "x":[{{"Sid":"n"}}] }},{new}]}}"#),
        ),
        (
            r#"{"Statement":[ {"Sid":1} , {"Effect":"Deny"} ],"Statement2":[]}"#,
            format!(r#"{{"Statement":[{{"Sid":1}},{{"Effect":"Deny"}},{new}],"Statement2":[]}}"#),
        ),
    ];
    for (text, expected) in cases {
        assert_eq!(add(Some(text), "n").as_deref(), Ok(&*expected), "{text}");
        let again = add(Some(&expected), "n");
        assert_eq!(again, Err(PermissionRefusal::LabelExists), "{text}");
    }
    let escaped = r#"{"Statement":[{"Sid":"\u0061"},{}]}"#;
    let left = without_statement(Some(escaped), "a");
    assert_eq!(left, Ok(Some(r#"{"Statement":[{}]}"#.to_owned())));
}

#[test]
fn what_has_no_statements_cannot_be_extended() {
    for text in [
        "",
        "[]",
        "{",
        "{} {}",
        r#"{"a":}"#,
        r#"{"Statement":"all"}"#,
        r#"{"Statement":null}"#,
        r#"{"Statement":[1]}"#,
        r#"{"Statement":[{}"#,
    ] {
        let unreadable = PermissionRefusal::PolicyUnreadable;
        assert_eq!(add(Some(text), "a"), Err(unreadable), "{text}");
        assert_eq!(
            without_statement(Some(text), "a"),
            Err(unreadable),
            "{text}"
        );
    }
}

#[test]
fn a_policy_has_twenty_statements_and_8_kib_at_most() {
    let mut policy = add(None, "0").unwrap();
    for number in 1..20 {
        policy = add(Some(&policy), &number.to_string()).unwrap();
    }
    let refused = PermissionRefusal::TooManyStatements { found: 21 };
    assert_eq!(add(Some(&policy), "20"), Err(refused));
    let of_size = |bytes: usize| format!(r#"{{"Id":"{}"}}"#, "x".repeat(bytes - 9));
    let added = add(Some(&of_size(100)), "a").unwrap().len() - 100;
    assert_eq!(
        add(Some(&of_size(8_192 - added)), "a").map(|text| text.len()),
        Ok(8_192)
    );
    let too_long = add(Some(&of_size(8_193 - added)), "a");
    assert_eq!(too_long, Err(PermissionRefusal::PolicyTooLong));
}

/// Damaged policies are read as a JSON reader reads them, or refused; what is added goes again.
#[test]
fn damaged_policies_are_not_made_worse() {
    let base = r#"{"Version":"x","Statement":[{"Sid":"a","Action":["b",{"Sid":"n"}]},{"Sid":"\"]}"}],"Id":1e5}"#;
    let mut random = Random::new(1);
    let mut extended = 0_u64;
    for _ in 0..20_000 {
        let mut bytes = base.as_bytes().to_vec();
        for _ in 0..1 + random.below(3) {
            let at = random.below(bytes.len() as u64) as usize;
            match random.below(3) {
                0 => bytes[at] = b"{}[]\",:\\ 1S"[random.below(11) as usize],
                1 => drop(bytes.remove(at)),
                _ => bytes.insert(at, bytes[random.below(bytes.len() as u64) as usize]),
            }
        }
        extended += u64::from(crate::fuzzing::policy(&bytes));
    }
    assert!(extended > 1_000, "only {extended} could be read");
}
