//! What becomes of a datagram or message that a server has sent.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::Post;
use crate::duration::in_words;
use crate::pulse::Pulse;
use crate::question::Question;
use crate::sample::Verdict;

/// Reports it if it answers a question that is open. What answers none is passed over.
pub(super) fn take(message: &[u8], server: &str, question: &Question, pulse: &mut Pulse, post: &Post) {
    let Some(&[high, low]) = message.first_chunk() else { return };
    let id = u16::from_be_bytes([high, low]);
    // Signatures are valid by the calendar.
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    let Some(judged) = question.judge(id, message, now) else { return };
    let Some(latency) = pulse.answered(id, post.now()) else { return };
    match judged {
        Ok(answer) => post.report(Verdict::Healthy, format!("{server}: {question}: {answer}"), Some(latency)),
        Err(bad) => post.report(Verdict::Failed, format!("{server}: {question}: {bad}"), Some(latency)),
    }
}

/// In words: nothing came.
pub(super) fn unanswered(server: &str, question: &Question, waited: Duration) -> String {
    let waited = Duration::from_millis(u64::try_from(waited.as_millis()).unwrap_or(u64::MAX));
    format!("{server}: {question}: no answer within {}", in_words(waited))
}
