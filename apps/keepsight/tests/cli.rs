//! What the command line says when somebody asks for help or has made a mistake: it names the thing, and what to do.

#![allow(clippy::print_stdout, reason = "what a long test measured, and what it had to leave out, is told")]

mod common;

use common::{Said, run};

async fn refused(folder: &std::path::Path, words: &[&str]) -> String {
    let Said { ok, out, err } = run(folder, words).await;
    assert!(!ok, "{words:?} was accepted: {out}");
    assert!(!err.contains("panicked"), "{err}");
    err
}

/// What the README's first command runs: the only binary of the only package that `cargo run` looks at.
#[test]
fn cargo_run_without_a_name_is_this_program() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/../..");
    let readme = std::fs::read_to_string(format!("{root}/README.md")).unwrap();
    assert!(readme.contains("\n    cargo run --release -- demo\n"));
    let words = ["metadata", "--no-deps", "--offline", "--format-version", "1"];
    let said = std::process::Command::new(env!("CARGO")).args(words).current_dir(root).output().unwrap();
    let metadata: serde_json::Value = serde_json::from_slice(&said.stdout).unwrap();
    let packages = metadata["packages"].as_array().unwrap().iter();
    let default = metadata["workspace_default_members"].as_array().unwrap();
    let targets = packages.filter(|package| default.contains(&package["id"])).flat_map(|package| {
        package["targets"].as_array().unwrap().iter().filter(|target| target["kind"][0] == "bin")
    });
    let binaries: Vec<_> = targets.map(|target| target["name"].as_str().unwrap()).collect();
    assert_eq!(binaries, ["keepsight"]);
}

#[tokio::test]
async fn help_teaches_the_first_steps() {
    let folder = tempfile::tempdir().unwrap();
    let said = run(folder.path(), &["--help"]).await;
    assert!(said.ok && said.err.is_empty(), "{said:?}");
    for word in ["serve", "agent", "demo", "admin", "config", "First time here?"] {
        assert!(said.out.contains(word), "{word} is missing in {}", said.out);
    }
    let helps: [(&[&str], &[&str]); 8] = [
        (&["serve"], &["--config", "--data", "--listen", "--public-url", "--no-tls"]),
        (&["agent"], &["pair", "add", "test", "trigger", "run", "status", "reset", "--data"]),
        (&["agent", "pair"], &["--server", "CODE"]),
        (&["agent", "add"], &["rtsp://", "--user", "--password-stdin", "--sensitivity", "--mask"]),
        (&["agent", "reset"], &["--yes"]),
        (&["admin"], &["lockdown", "end-sessions", "setup-link"]),
        (&["admin", "lockdown"], &["on", "off", "--home"]),
        (&["demo"], &["--port"]),
    ];
    for (command, words) in helps {
        let said = run(folder.path(), &[command, &["--help"]].concat()).await;
        assert!(said.ok, "{command:?}: {said:?}");
        for word in words {
            assert!(said.out.contains(word), "{word} is missing in the help of {command:?}: {}", said.out);
        }
    }
    assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0, "asking for help leaves nothing behind");
}

#[tokio::test]
async fn a_wrong_configuration_names_the_key_and_where_every_key_is() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("keepsight.toml");
    let wrong = [
        ("[server]\nlisen = \"127.0.0.1:1\"", "lisen"),
        ("[server]\nlisten = \"here\"", "listen"),
        ("[server]\nsign_up = \"everybody\"", "everybody"),
        ("[limits]\nhome_bytes = -1", "home_bytes"),
        ("[server]\ntls = \"files\"", "certificate"),
        ("[serwer]", "serwer"),
    ];
    for (text, key) in wrong {
        std::fs::write(&file, text).unwrap();
        for words in [&["serve"][..], &["admin", "end-sessions"]] {
            let err = refused(folder.path(), words).await;
            assert!(err.contains(key) && err.contains("keepsight config"), "{text}: {err}");
        }
    }
    let err = refused(folder.path(), &["serve", "--config", "elsewhere.toml"]).await;
    assert!(err.contains("elsewhere.toml"), "{err}");
    // What `keepsight config` prints is a configuration.
    std::fs::write(&file, run(folder.path(), &["config"]).await.out).unwrap();
    let err = refused(folder.path(), &["admin", "end-sessions"]).await;
    assert!(err.contains("no server's data"), "{err}");
}

#[tokio::test]
async fn a_folder_that_cannot_be_used_is_named_once() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("file"), "").unwrap();
    for words in [&["serve", "--no-tls", "--data", "file"][..], &["agent", "--data", "file", "status"]] {
        let err = refused(folder.path(), words).await;
        assert!(err.contains(" file"), "{err}");
        assert_eq!(err.matches("os error").count(), 1, "{err}");
    }
}

#[tokio::test]
async fn a_taken_port_is_said_once() {
    let folder = tempfile::tempdir().unwrap();
    let taken = std::net::TcpListener::bind(("127.0.0.1", 0)).unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let err = refused(folder.path(), &["serve", "--no-tls", "--data", "cloud", "--listen", &address]).await;
    let last = err.lines().last().unwrap_or_default();
    assert!(last.contains(&address) && last.contains("is another server running there?"), "{err}");
    assert_eq!(last.matches("os error").count(), 1, "{err}");
    let port = address.rsplit(':').next().unwrap();
    let err = refused(folder.path(), &["demo", "--port", port]).await;
    assert!(err.contains("--port"), "{err}");
}

#[tokio::test]
async fn an_agent_says_what_to_do_first() {
    let folder = tempfile::tempdir().unwrap();
    let agent = |words: &'static [&'static str]| [&["agent", "--data", "box"], words].concat();
    let said = run(folder.path(), &agent(&["status"])).await;
    assert!(said.ok && said.out.contains("keepsight agent pair"), "{said:?}");
    let err = refused(folder.path(), &agent(&["reset"])).await;
    assert!(err.contains("--yes"), "{err}");
    assert!(run(folder.path(), &agent(&["reset", "--yes"])).await.ok);
    let err = refused(folder.path(), &agent(&["trigger", "hall"])).await;
    assert!(err.contains("agent status"), "{err}");
    let err = refused(folder.path(), &agent(&["trigger", "cam_00000000000000000000000000"])).await;
    assert!(err.contains("agent run"), "{err}");
    let err = refused(folder.path(), &agent(&["add", "Hall", "demo://attic"])).await;
    assert!(err.contains("demo://hall"), "{err}");
    let err = refused(folder.path(), &agent(&["pair", "--server", "http://127.0.0.1:1", "abc"])).await;
    assert!(!err.trim().is_empty(), "{err}");
}

#[tokio::test]
async fn an_operator_without_a_server_is_told_how_to_name_it() {
    let folder = tempfile::tempdir().unwrap();
    for words in [&["lockdown", "on"][..], &["end-sessions"], &["setup-link"]] {
        let err = refused(folder.path(), &[&["admin", "--data", "nowhere"], words].concat()).await;
        assert!(err.contains("nowhere") && err.contains("--data"), "{err}");
    }
    assert!(!folder.path().join("nowhere").exists(), "looking makes nothing");
    let err = refused(folder.path(), &["admin", "lockdown", "perhaps"]).await;
    assert!(err.contains("on") && err.contains("off"), "{err}");
}

#[tokio::test]
async fn a_demo_does_not_move_into_a_folder_that_is_used() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::write(folder.path().join("something"), "of somebody").unwrap();
    let data = folder.path().to_str().unwrap();
    let err = refused(folder.path(), &["demo", "--port", "0", "--data", data]).await;
    assert!(err.contains("is not empty") && err.contains("--data"), "{err}");
}

/// It would record nothing, and nobody would know.
#[tokio::test]
async fn a_box_whose_agent_cannot_run_says_so_and_ends() {
    let folder = tempfile::tempdir().unwrap();
    let agent = folder.path().join("agent");
    // Something stands where it would answer its commands.
    std::fs::create_dir_all(agent.join("agent.sock/in the way")).unwrap();
    let config = folder.path().join("keepsight.toml");
    let cloud = folder.path().join("cloud");
    let text = format!(
        "[server]\ndata = {cloud:?}\nlisten = \"127.0.0.1:0\"\ntls = \"off\"\n[agent]\ndata = {agent:?}\n"
    );
    std::fs::write(&config, text).unwrap();
    let err = refused(folder.path(), &["serve", "--config", config.to_str().unwrap()]).await;
    assert!(err.contains("the agent of this box ended"), "{err}");
}
