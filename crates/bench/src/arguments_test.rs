#![allow(clippy::unwrap_used)]

use clap::Parser;

use super::*;

#[derive(Debug, Parser)]
struct Cli {
    #[command(flatten)]
    arguments: Arguments,
}

fn workloads(line: &str) -> Result<Vec<Workload>, String> {
    let words = std::iter::once("bench").chain(line.split_ascii_whitespace());
    let cli = Cli::try_parse_from(words).map_err(|error| error.to_string())?;
    cli.arguments.workloads().map_err(|error| error.to_string())
}

#[test]
fn modes_and_batches_are_combined() {
    let all = workloads("send pipeline --batch 1,10 --endpoint http://a:1,http://b:2").unwrap();
    let pairs: Vec<_> = all.iter().map(|one| (one.mode, one.batch)).collect();
    assert_eq!(
        pairs,
        [
            (Mode::Send, 1),
            (Mode::Send, 10),
            (Mode::Pipeline, 1),
            (Mode::Pipeline, 10)
        ]
    );
    assert_eq!(all[0].endpoints.len(), 2);
}

#[test]
fn connections_are_shared_between_producers_and_consumers() {
    for (line, producers, consumers) in [
        ("send --connections 5", 5, 0),
        ("pipeline --connections 5", 3, 2),
        ("pipeline --connections 1", 1, 1),
        ("pipeline --producers 2 --consumers 7", 2, 7),
        ("drain --connections 5", 5, 5),
        ("fifo --connections 64 --groups 7", 7, 32),
    ] {
        let one = &workloads(line).unwrap()[0];
        assert_eq!(
            (one.producers, one.consumers),
            (producers, consumers),
            "{line}"
        );
    }
}

#[test]
fn what_cannot_be_meant_is_refused_and_named() {
    for (line, named) in [
        ("--batch 11", "--batch"),
        ("--batch 0", "--batch"),
        ("--size 10", "--size"),
        ("--rate 0", "--rate"),
        ("--rate NaN", "--rate"),
        ("--duration soon", "--duration"),
        ("--endpoint https://sqs.example", "http://"),
        ("--queue q.fifo", "--groups"),
        ("fifo --queue q", ".fifo"),
        ("pipeline --high-throughput", "FIFO"),
        ("--visibility-timeout 500ms", "--visibility-timeout"),
        ("--visibility-timeout 0", "--visibility-timeout"),
        ("--region a\u{e9}", "printable"),
        ("swim", "swim"),
    ] {
        let error = workloads(line).unwrap_err();
        assert!(error.contains(named), "{line}: {error}");
    }
}

#[test]
fn secrets_are_not_printed() {
    let one = &workloads("--secret-access-key hush --session-token psst").unwrap()[0];
    let printed = format!("{one:?}");
    assert!(
        !printed.contains("hush") && !printed.contains("psst"),
        "{printed}"
    );
}
