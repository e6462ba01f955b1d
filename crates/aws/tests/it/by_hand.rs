use squorum_aws::{Options, Server};
use std::sync::Arc;

use crate::fake::{Counting, Fake};

/// Serves the service in memory for clients that a developer wants to try:
/// `SQUORUM_LISTEN=127.0.0.1:9399 cargo nextest run -p squorum-aws --run-ignored only serve`.
#[tokio::test]
#[ignore = "runs until it is stopped"]
async fn serve() {
    let listen = std::env::var("SQUORUM_LISTEN").unwrap_or("127.0.0.1:9399".to_owned());
    let address = listen.parse().unwrap();
    let fake = Arc::new(Fake::default());
    let entropy = Arc::new(Counting::default());
    let server = Server::bind(address, Options::default(), fake, entropy)
        .await
        .unwrap();
    server.run(std::future::pending()).await;
}
