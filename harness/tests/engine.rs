//! All engines pass one suite: the fake always, Docker or Podman (`DOCKER_HOST`) with `--features lab`. `ci/engines` has several.

use harness::engine::conformance;

macro_rules! suite {
    ($engine:path) => {
        #[tokio::test]
        async fn networks() {
            conformance::networks(&$engine().await.0).await;
        }

        #[tokio::test]
        async fn what_no_registry_has() {
            conformance::what_no_registry_has(&$engine().await.0).await;
        }

        suite!($engine: input_is_a_dead_mans_switch, stderr_is_told_apart, crash_ends_the_output, removal_is_by_force,
            a_write_to_a_node_that_ended_is_lost, the_state_is_told,
            names_clash, a_failed_start_leaves_nothing, images, a_failed_build_shows_its_output);
    };
    ($engine:path: $($check:ident),*) => {
        $(#[tokio::test]
        async fn $check() {
            let (engine, image) = $engine().await;
            conformance::$check(&engine, image).await;
        })*
    };
}

mod fake {
    use super::*;
    use harness::engine::fake::{FakeEngine, Verb};

    async fn engine() -> (FakeEngine, &'static str) {
        (FakeEngine::new().with_image("debian:test").failing(Verb::Pull, "registry.invalid"), "debian:test")
    }

    suite!(engine);
}

#[cfg(feature = "lab")]
mod docker {
    use std::process::Stdio;
    use std::time::Duration;

    use super::*;
    use harness::builder::{Progress, ensure_debian};
    use harness::engine::Engine as _;
    use harness::engine::docker::Docker;
    use harness::image::Release;
    use tokio::io::{AsyncBufReadExt, BufReader};
    use tokio::process::Command;
    use tokio::time::{interval, timeout};

    struct Silent;

    impl Progress for Silent {
        fn started(&self, _: &str) {}
        fn line(&self, _: &str, _: &str) {}
        fn finished(&self, _: &str, _: Duration) {}
    }

    async fn engine() -> (Docker, &'static str) {
        let engine = Docker::connect().await;
        let engine = engine.unwrap_or_else(|error| panic!("{error}\nhint: {}", error.hint().unwrap_or_default()));
        let debian = ensure_debian(&engine, Release::Trixie, &Silent).await;
        debian.unwrap_or_else(|error| panic!("{error}\nhint: {}", error.hint().unwrap_or_default()));
        (engine, Release::Trixie.image())
    }

    suite!(engine);

    const HELD: &str = "holding a node";

    #[tokio::test]
    async fn a_killed_process_leaves_no_node() {
        let engine = engine().await.0;
        let mut program = Command::new(std::env::current_exe().expect("this test is a program"));
        program.args(["--ignored", "--exact", "--nocapture", "docker::holds_a_node"]).stdout(Stdio::piped());
        let mut holder = program.kill_on_drop(true).spawn().expect("it starts again");
        let pid = holder.id().expect("it runs");
        let mut lines = BufReader::new(holder.stdout.take().expect("it is piped")).lines();
        let mut tick = interval(Duration::from_millis(20));
        let is_gone = async {
            while !lines.next_line().await.expect("it speaks").expect("it holds a node").contains(HELD) {}
            holder.kill().await.expect("it can be killed");
            while engine.owned().await.expect("what is ours is listed").iter().any(|it| it.labels.owner.pid == pid) {
                tick.tick().await;
            }
        };
        timeout(Duration::from_secs(30), is_gone).await.expect("its node goes when it is killed");
    }

    #[tokio::test]
    #[ignore = "a_killed_process_leaves_no_node starts it"]
    async fn holds_a_node() {
        let (engine, image) = engine().await;
        let _node = conformance::held(&engine, image).await;
        println!("{HELD}");
        // Whoever runs ignored tests by hand gets it back.
        drop(timeout(Duration::from_secs(30), std::future::pending::<()>()).await);
    }

    #[tokio::test]
    async fn what_is_not_ours_is_never_listed() {
        let owned = engine().await.0.owned().await.expect("what is ours is listed");
        assert!(owned.iter().all(|thing| !["bridge", "host", "none"].contains(&thing.name.as_str())), "{owned:?}");
    }
}
