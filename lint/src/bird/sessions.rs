//! Rules about sessions.

use super::{Dialect, Family, File, Finding, LONGEST_KEY, Protocol, Rule, Severity, Word};

pub(super) const RULES: &[&Rule] =
    &[&GRACEFUL, &SHARED, &LONG_HOLD, &ERROR_WAIT, &NO_BFD, &SHUTDOWN, &UNQUOTED, &LONG_KEY];

const DEFAULT_HOLD_TIME: u32 = 240;
const DEFAULT_RESTART_TIME: u32 = 120;

static GRACEFUL: Rule = Rule {
    dialect: Dialect::Bird,
    id: "graceful-restart",
    severity: Severity::Warning,
    summary: "graceful restart on a server: the router keeps the routes of a dead one",
    reason: "When BIRD dies the router goes on sending queries here for the restart time, 120 s if there is none. It \
             is a note where the time is not longer than the hold time.",
    source: "BIRD 2 documentation, BGP option `graceful restart`; RFC 4724 section 4.2",
    hint: "remove `graceful restart`; what is left is `aware`, which concerns the neighbour's routes only",
};

static SHARED: Rule = Rule {
    dialect: Dialect::Bird,
    id: "shared-session",
    severity: Severity::Note,
    summary: "a session for both families: the second withdrawal waits for the first",
    reason: "Each family's withdrawal is a message of its own, and BIRD leaves Nagle's algorithm on: the kernel keeps the \
             second until the neighbour has acknowledged the first, which Linux puts off for 40 ms now and then, and \
             others for up to 500 ms.",
    source: "measured with BIRD 2.17; tcp(7) TCP_NODELAY; RFC 1122 section 4.2.3.2",
    hint: "a `protocol bgp` for each family",
};

static LONG_HOLD: Rule = Rule {
    dialect: Dialect::Bird,
    id: "long-hold-time",
    severity: Severity::Note,
    summary: "a hold time of 90 s or more, 240 s if there is none, or 0",
    reason: "When the machine at the other end or the link dies nobody says so: routes stay until the hold time ends, \
             unless the neighbour asks for a shorter one itself, or BFD tells it.",
    source: "BIRD 2 documentation, BGP option `hold time`",
    hint: "write `hold time 10;`",
};

static ERROR_WAIT: Rule = Rule {
    dialect: Dialect::Bird,
    id: "error-wait",
    severity: Severity::Note,
    summary: "no `error wait time`: after an expired hold timer or BFD the neighbour is refused for a minute",
    reason: "BIRD waits for 60 s before it speaks to the neighbour again, and up to 300 s when it happens again: a \
             short interruption takes the server away for minutes. With BFD, which sees shorter interruptions, it is a \
             warning.",
    source: "BIRD 2 proto/bgp/bgp.c bgp_update_startup_delay()",
    hint: "write `error wait time 1, 5;`",
};

static NO_BFD: Rule = Rule {
    dialect: Dialect::Bird,
    id: "no-bfd-protocol",
    severity: Severity::Warning,
    summary: "`bfd` in a session, and no `protocol bfd`",
    reason: "BFD is spoken by a protocol of its own. Without it the session comes up and nobody watches the link.",
    source: "BIRD 2 documentation, BGP option `bfd`",
    hint: "add `protocol bfd { }`",
};

static SHUTDOWN: Rule = Rule {
    dialect: Dialect::Bird,
    id: "shutdown",
    severity: Severity::Warning,
    summary: "a session is `disabled` in the file",
    reason: "The session stays down, whatever the server says. Left over from maintenance, it takes the server away \
             for good.",
    source: "BIRD 2 documentation, protocol option `disabled`",
    hint: "remove `disabled`, or the session if it is not needed",
};

static UNQUOTED: Rule = Rule {
    dialect: Dialect::Bird,
    id: "unquoted-password",
    severity: Severity::Error,
    summary: "a `password` without quotes",
    reason: "BIRD expects a string and refuses the file.",
    source: "BIRD 2 documentation, BGP option `password`",
    hint: "put the key in double quotes",
};

static LONG_KEY: Rule = Rule {
    dialect: Dialect::Bird,
    id: "long-md5",
    severity: Severity::Error,
    summary: "a key of more than 80 characters",
    reason: "The kernel takes no longer ones for TCP MD5. `bird -p` does not complain; the session never comes up.",
    source: "Linux uapi/linux/tcp.h",
    hint: "agree on a key of at most 80 characters",
};

pub(super) fn check(file: &File<'_>) -> Vec<Finding> {
    let mut findings = Vec::new();
    let announces = file.watched().next().is_some();
    let has_bfd = file.of_kind("bfd").next().is_some() || !file.complete;
    for session in file.of_kind("bgp") {
        findings.extend(of_timers(session));
        findings.extend(of_key(file, session));
        // A router may have its reasons.
        if announces {
            findings.extend(of_restart(session));
            if Family::ALL.iter().all(|family| session.channel(*family).is_some()) {
                findings.push(SHARED.at(session.line, format!("{} carries both families", session.title())));
            }
        }
        if let Some(statement) = session.get(&["disabled"]).filter(|_| session.is_disabled()) {
            findings.push(SHUTDOWN.at(statement.line, format!("{} is disabled", session.title())));
        }
        if !has_bfd && bfd(session) {
            findings.push(
                NO_BFD.at(session.line, format!("{} wants BFD, and there is no `protocol bfd`", session.title())),
            );
        }
    }
    findings
}

fn bfd(session: &Protocol<'_>) -> bool {
    session.is_on(&["bfd"]).unwrap_or_default()
}

fn hold_time(session: &Protocol<'_>) -> Option<u32> {
    match session.get(&["hold", "time"]) {
        Some(_) => session.number(&["hold", "time"]),
        None => session.complete.then_some(DEFAULT_HOLD_TIME),
    }
}

fn of_timers(session: &Protocol<'_>) -> Vec<Finding> {
    let title = session.title();
    let mut findings = Vec::new();
    let line = session.get(&["hold", "time"]).map_or(session.line, |s| s.line);
    match hold_time(session) {
        Some(0) => findings.push(LONG_HOLD.at(line, format!("{title} never gives its neighbour up"))),
        Some(hold @ 90..) if !bfd(session) => {
            findings.push(LONG_HOLD.at(line, format!("{title} has a hold time of {hold} s")));
        }
        _ => {}
    }
    if session.complete && session.get(&["error", "wait", "time"]).is_none() {
        let severity = if bfd(session) { Severity::Warning } else { Severity::Note };
        findings.push(ERROR_WAIT.at(session.line, format!("{title} has no `error wait time`")).with(severity));
    }
    findings
}

fn of_restart(session: &Protocol<'_>) -> Option<Finding> {
    // `graceful restart time` is another option.
    let statement = session
        .statements
        .iter()
        .find(|s| s.starts(&["graceful", "restart"]) && matches!(s.word(2), "" | "on" | "yes" | "true" | "1"))?;
    let time = session.number(&["graceful", "restart", "time"]).unwrap_or(DEFAULT_RESTART_TIME);
    let long_lived = session.is_on(&["long", "lived", "graceful", "restart"]).unwrap_or_default();
    let within = !long_lived && hold_time(session).is_some_and(|hold| time <= hold && hold < 90);
    let finding = GRACEFUL.at(
        statement.line,
        format!("the neighbour of {} keeps the routes of a dead BIRD for {time} s", session.title()),
    );
    Some(if within { finding.with(Severity::Note) } else { finding })
}

fn of_key(file: &File<'_>, session: &Protocol<'_>) -> Option<Finding> {
    let title = session.title();
    let word: &Word = session.get(&["password"])?.words.get(1)?;
    let text = word.known()?;
    if !word.quoted && !file.constants.contains(&text) && file.complete {
        return Some(UNQUOTED.at(word.line, format!("the key of {title} has no quotes")));
    }
    let length = text.len();
    (word.quoted && length > LONGEST_KEY)
        .then(|| LONG_KEY.at(word.line, format!("the key of {title} has {length} characters")))
}
