//! `squorum queue`: what lies in a queue.

mod table;

use std::process::ExitCode;
use std::time::{Duration, Instant};

use clap::{Args, Subcommand, ValueEnum};
use squorum_types::{AccountId, Clock, Region};

use crate::admin_client::{self, AdminArguments, AskError, escaped};
use crate::clock::SystemClock;
use crate::peek::{LIMIT, LIMIT_DEFAULT, PeekAnswer};

/// Longer than the node looks, or waits for a leader.
const TIMEOUT: Duration = Duration::from_secs(15);
/// Pages are asked for until there is enough to show, but not for longer.
const LOOK_TIME_MAX: Duration = Duration::from_secs(60);

#[derive(Debug, Args)]
pub(crate) struct QueueArguments {
    #[command(subcommand)]
    look: Look,
}

#[derive(Debug, Subcommand)]
enum Look {
    /// Show messages without receiving them: counts, visibility and order stay as they are.
    Peek(PeekArguments),
}

#[derive(Debug, Args)]
struct PeekArguments {
    #[command(flatten)]
    admin: AdminArguments,

    /// The queue's name
    name: String,

    /// The account of the queue
    #[arg(long, value_name = "NUMBER", default_value = AccountId::DEFAULT)]
    account: String,

    /// The region of the queue
    #[arg(long, value_name = "NAME", default_value = Region::DEFAULT)]
    region: String,

    /// Which messages to show
    #[arg(long, value_enum, default_value = "visible")]
    state: ShownState,

    /// How many messages to show, 1,000 at most
    #[arg(long, value_name = "N", default_value_t = LIMIT_DEFAULT, value_parser = limit)]
    limit: usize,

    /// Go on where an earlier command ended
    #[arg(long)]
    token: Option<String>,

    /// Show only messages with this text in their bodies
    #[arg(long, value_name = "TEXT")]
    body: Option<String>,

    /// Show only messages with this value of a message attribute or system attribute
    #[arg(long = "attribute", value_name = "NAME=VALUE", value_parser = attribute)]
    attributes: Vec<(String, String)>,

    /// How to show them
    #[arg(short, long, value_enum, default_value = "table")]
    output: Output,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ShownState {
    Visible,
    InFlight,
    Delayed,
}

impl ShownState {
    fn name(self) -> &'static str {
        match self {
            ShownState::Visible => "visible",
            ShownState::InFlight => "in-flight",
            ShownState::Delayed => "delayed",
        }
    }
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Output {
    Table,
    Json,
}

fn limit(text: &str) -> Result<usize, String> {
    let limit = text.parse().ok().filter(|limit| LIMIT.contains(limit));
    limit.ok_or_else(|| "must be a number from 1 to 1000".to_owned())
}

fn attribute(text: &str) -> Result<(String, String), String> {
    let pair = text.split_once('=').filter(|(name, _)| !name.is_empty());
    let (name, value) = pair.ok_or("must be NAME=VALUE")?;
    Ok((name.to_owned(), value.to_owned()))
}

pub(crate) fn run(arguments: &QueueArguments) -> ExitCode {
    let Look::Peek(arguments) = &arguments.look;
    match peek(arguments) {
        Ok(text) => {
            // A pipe that was closed early is no failure.
            let _ = std::io::Write::write_all(&mut std::io::stdout(), text.as_bytes());
            ExitCode::SUCCESS
        }
        Err(error) => {
            eprintln!("squorum: {error}");
            ExitCode::FAILURE
        }
    }
}

fn peek(arguments: &PeekArguments) -> Result<String, AskError> {
    let answer = gather(arguments)?;
    Ok(match arguments.output {
        Output::Table => table::messages(&answer, SystemClock::new().now()),
        Output::Json => {
            let text = serde_json::to_string(&answer);
            text.map_err(|error| AskError::Local(error.to_string()))? + "\n"
        }
    })
}

/// Pages until there are as many messages as wanted: with a filter most of them may be empty.
fn gather(arguments: &PeekArguments) -> Result<PeekAnswer, AskError> {
    let began = Instant::now();
    let mut gathered = PeekAnswer {
        next_token: arguments.token.clone(),
        ..PeekAnswer::default()
    };
    loop {
        let limit = arguments.limit - gathered.messages.len();
        let path = path(arguments, limit, gathered.next_token.as_deref());
        let page = page(arguments, &path)?;
        gathered.messages.extend(page.messages);
        gathered.looked_at += page.looked_at;
        gathered.next_token = page.next_token;
        let is_enough = gathered.messages.len() >= arguments.limit;
        if is_enough || gathered.next_token.is_none() || began.elapsed() >= LOOK_TIME_MAX {
            return Ok(gathered);
        }
    }
}

fn page(arguments: &PeekArguments, path: &str) -> Result<PeekAnswer, AskError> {
    let answer = admin_client::get(&arguments.admin.admin, path, TIMEOUT)?;
    if answer.status != 200 {
        let reason = String::from_utf8_lossy(&answer.body).trim().to_owned();
        return Err(AskError::Refused(reason));
    }
    serde_json::from_slice(&answer.body).map_err(|error| AskError::Unusable(error.to_string()))
}

fn path(arguments: &PeekArguments, limit: usize, token: Option<&str>) -> String {
    let (account, name) = (escaped(&arguments.account), escaped(&arguments.name));
    let mut path = format!(
        "/queues/{account}/{name}/messages?region={}&state={}&limit={limit}",
        escaped(&arguments.region),
        arguments.state.name(),
    );
    let mut add = |name: &str, value: &str| {
        path.push_str(&format!("&{}={}", escaped(name), escaped(value)));
    };
    if let Some(token) = token {
        add("token", token);
    }
    if let Some(body) = &arguments.body {
        add("body", body);
    }
    for (name, value) in &arguments.attributes {
        add(&format!("attribute.{name}"), value);
    }
    path
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::io::{Read, Write};
    use std::net::TcpListener;

    use clap::Parser;

    use super::*;

    #[derive(Parser)]
    struct Cli {
        #[command(flatten)]
        arguments: PeekArguments,
    }

    fn arguments(more: &[&str]) -> Result<PeekArguments, clap::Error> {
        let words = ["peek", "jobs"].iter().chain(more);
        Cli::try_parse_from(words).map(|cli| cli.arguments)
    }

    /// Answers one request after the other; gives their first lines.
    fn answer_all(answers: &[&str]) -> (String, std::thread::JoinHandle<Vec<String>>) {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let answers: Vec<String> = answers.iter().map(|answer| (*answer).to_owned()).collect();
        let served = std::thread::spawn(move || {
            let answered = answers.iter().map(|body| {
                let (mut stream, _) = listener.accept().unwrap();
                let mut request = Vec::new();
                while !request.ends_with(b"\r\n\r\n") {
                    let mut byte = [0];
                    stream.read_exact(&mut byte).unwrap();
                    request.push(byte[0]);
                }
                let length = body.len();
                let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {length}\r\n\r\n");
                stream.write_all((head + body).as_bytes()).unwrap();
                let request = String::from_utf8(request).unwrap();
                request.lines().next().unwrap().to_owned()
            });
            answered.collect()
        });
        (url, served)
    }

    #[test]
    fn empty_pages_are_gone_over_until_there_is_enough() {
        let message = r#"{"MessageId": "m", "MD5OfBody": "", "Attributes": {}, "Partition": 0}"#;
        let page = |messages: &str, token: &str| {
            format!(r#"{{"messages": [{messages}], "next_token": {token}, "looked_at": 5}}"#)
        };
        let (url, served) = answer_all(&[
            &page("", "\"A\""),
            &page(message, "\"B\""),
            &page(&format!("{message},{message}"), "\"C\""),
        ]);
        let more = ["--admin", &url, "--limit", "3", "--body", "a b"];
        let found = gather(&arguments(&more).unwrap()).unwrap();
        assert_eq!((found.messages.len(), found.looked_at), (3, 15));
        assert_eq!(found.next_token.as_deref(), Some("C"));
        let begin = "GET /queues/000000000000/jobs/messages?region=us-east-1&state=visible";
        assert_eq!(
            served.join().unwrap(),
            [
                format!("{begin}&limit=3&body=a%20b HTTP/1.1"),
                format!("{begin}&limit=3&token=A&body=a%20b HTTP/1.1"),
                format!("{begin}&limit=2&token=B&body=a%20b HTTP/1.1"),
            ]
        );
    }

    #[test]
    fn conditions_are_parts_of_the_query() {
        let more = [
            ["--state", "in-flight"],
            ["--attribute", "kind=a=b"],
            ["--attribute", "MessageGroupId=g"],
        ];
        let arguments = arguments(more.as_flattened()).unwrap();
        let path = path(&arguments, 10, None);
        let conditions = "state=in-flight&limit=10&attribute.kind=a%3Db&attribute.MessageGroupId=g";
        assert!(path.ends_with(conditions), "{path}");
    }

    #[test]
    fn what_cannot_be_asked_is_refused_at_once() {
        for wrong in [
            ["--limit", "0"],
            ["--limit", "1001"],
            ["--state", "all"],
            ["--attribute", "kind"],
            ["--attribute", "=order"],
        ] {
            assert!(arguments(&wrong).is_err(), "{wrong:?}");
        }
    }
}
