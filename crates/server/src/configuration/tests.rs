#![allow(clippy::unwrap_used)]

use clap::Parser;

use super::*;

#[test]
fn the_file_fills_what_flags_leave_open() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("squorum.toml");
    std::fs::write(
        &path,
        "listen = \"0.0.0.0:1\"\nshards = 3\nmemtable-mib = 9\n\
         immediate-recreate-and-purge = true\n",
    )
    .unwrap();
    let arguments = ServeArguments {
        config: Some(path.clone()),
        shards: Some(4),
        ..ServeArguments::default()
    };
    let configuration = arguments.resolve().unwrap();
    assert_eq!(configuration.listen, "0.0.0.0:1".parse().unwrap());
    assert_eq!(configuration.shards, 4);
    assert_eq!(configuration.memtable_bytes as u64, 9 * MIB);
    assert!(configuration.immediate_recreate_and_purge);
    assert_eq!(configuration.data_dir, PathBuf::from(DATA_DIR_DEFAULT));

    let everywhere = ServeArguments {
        cluster_listen: Some("0.0.0.0:9326".parse().unwrap()),
        seeds: vec!["a:9326".to_owned()],
        ..ServeArguments::default()
    };
    let error = everywhere.clone().resolve().unwrap_err().to_string();
    assert!(error.contains("--advertise"), "{error}");
    let advertised = ServeArguments {
        advertise: Some("a:9326".to_owned()),
        ..everywhere
    };
    assert_eq!(advertised.resolve().unwrap().advertise, "a:9326");

    std::fs::write(&path, "listne = 1\n").unwrap();
    let arguments = ServeArguments {
        config: Some(path),
        ..ServeArguments::default()
    };
    let error = format!("{:#}", arguments.resolve().unwrap_err());
    assert!(error.contains("listne"), "{error}");
}
#[test]
fn numbers_have_the_same_ranges_in_the_file_as_on_the_command_line() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("squorum.toml");
    for (key, too_small, too_large) in [
        ("shards", 0, 257),
        ("memtable-mib", 7, 65_537),
        ("block-cache-mib", 7, 65_537),
        ("log-tail-mib", 7, 65_537),
        ("checkpoint-mib", 0, 65_537),
        ("log-retention-mib", 0, 1_048_577),
        ("snapshot-mib-per-second", 0, 65_537),
    ] {
        let (least, most) = (too_small + 1, too_large - 1);
        for value in [too_small, least, most, too_large] {
            std::fs::write(&path, format!("{key} = {value}\n")).unwrap();
            let arguments = ServeArguments {
                config: Some(path.clone()),
                ..ServeArguments::default()
            };
            let error = arguments.resolve().err().map(|error| error.to_string());
            let expected = format!("{key} is {value} and must be from {least} to {most}");
            let is_within = (least..=most).contains(&value);
            assert_eq!(error, (!is_within).then_some(expected));
            let flag = format!("--{key}={value}");
            let parsed = Parsed::try_parse_from(["serve", &flag]);
            assert_eq!(parsed.is_ok(), is_within, "{flag}");
        }
    }
}

#[derive(Debug, clap::Parser)]
struct Parsed {
    #[command(flatten)]
    _arguments: ServeArguments,
}

#[test]
fn loss_is_not_accepted_where_others_have_what_is_lost() {
    let alone = ServeArguments {
        accept_loss: true,
        ..ServeArguments::default()
    };
    assert!(alone.clone().resolve().unwrap().accept_loss);
    let member = ServeArguments {
        seeds: vec!["a:9326".to_owned()],
        ..alone
    };
    let error = member.resolve().unwrap_err().to_string();
    assert!(error.contains("--accept-loss"), "{error}");
}
