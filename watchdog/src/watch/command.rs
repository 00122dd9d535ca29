//! A command, run over and over.

use super::Post;
use crate::command;
use crate::pulse::Pace;
use crate::sample::Verdict;

/// Runs it until nobody listens any more; never two at a time.
pub(super) async fn watch(argv: &[String], pace: Pace, mut post: Post) {
    loop {
        let began = post.now();
        match command::run(argv, pace.timeout).await {
            Ok(()) => post.report(Verdict::Healthy, format!("{}: status 0", argv[0]), Some(post.now() - began)),
            Err(failure) => post.report(Verdict::Failed, format!("{}: {failure}", argv[0]), None),
        }
        loop {
            let interval = if post.is_calm() { pace.interval } else { pace.fast_interval };
            if post.now() >= began + interval {
                break;
            }
            post.wait(began + interval).await;
        }
    }
}
