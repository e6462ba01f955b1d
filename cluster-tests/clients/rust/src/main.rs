//! What users of aws-sdk-rust do.
//!
//! ```text
//! export AWS_ENDPOINT_URL=http://localhost:9324
//! export AWS_ACCESS_KEY_ID=anything AWS_SECRET_ACCESS_KEY=anything AWS_DEFAULT_REGION=us-east-1
//! squorum-rust-client tour NAME      uses queues NAME and NAME.fifo, prints what it saw as JSON
//! squorum-rust-client stream NAME    sends and receives until its input ends, then what is left
//! ```

mod stream;
mod tour;

use std::error::Error;
use std::process::ExitCode;

use aws_sdk_sqs::Client;

type AnyError = Box<dyn Error + Send + Sync>;

#[tokio::main]
async fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let done = match arguments[..] {
        ["tour", name] => tour::run(&client().await, name).await,
        ["stream", name] => stream::run(client().await, name).await,
        _ => Err("usage: squorum-rust-client tour|stream NAME".into()),
    };
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("{error:?}");
            ExitCode::FAILURE
        }
    }
}

/// Every setting is the SDK's own; only TLS is not built in.
async fn client() -> Client {
    let http = aws_smithy_http_client::Builder::new().build_http();
    Client::new(&aws_config::from_env().http_client(http).load().await)
}
