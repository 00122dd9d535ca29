//! Both engines pass one suite: the fake always, Docker with `--features lab`.

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
        (
            FakeEngine::new()
                .with_image("debian:test")
                .failing(Verb::Pull, "registry.invalid"),
            "debian:test",
        )
    }

    suite!(engine);
}

#[cfg(feature = "lab")]
mod docker {
    use std::time::Duration;

    use super::*;
    use harness::engine::Engine as _;
    use harness::engine::docker::Docker;
    use harness::image::{Progress, Release, ensure_debian};

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
        let debian = debian.unwrap_or_else(|error| panic!("{error}\nhint: {}", error.hint().unwrap_or_default()));
        (engine, debian)
    }

    suite!(engine);

    #[tokio::test]
    async fn what_is_not_ours_is_never_listed() {
        let owned = engine().await.0.owned().await.expect("what is ours is listed");
        assert!(
            owned
                .iter()
                .all(|thing| !["bridge", "host", "none"].contains(&thing.name.as_str())),
            "{owned:?}"
        );
    }
}
