//! Ends of the process.

use std::io::Write;

/// Ends at once, with a constant message and without running anything else. For the moments when
/// going on could break a promise: a log that may not be durable, no randomness.
pub(crate) fn abort(reason: &'static str) -> ! {
    // Nothing can be done about a closed stderr.
    let _ = writeln!(
        std::io::stderr(),
        "{{\"level\":\"FATAL\",\"message\":\"{reason}\"}}"
    );
    std::process::abort()
}

/// No core dumps, and no reading of this memory by other processes of the same user. Not fatal
/// where the system lacks it, as a library OS may.
pub(crate) fn harden() {
    use rustix::process::{DumpableBehavior, Resource, Rlimit};
    let no_core = Rlimit {
        current: Some(0),
        maximum: Some(0),
    };
    if rustix::process::setrlimit(Resource::Core, no_core).is_err() {
        tracing::warn!("core dumps cannot be turned off");
    }
    if rustix::process::set_dumpable_behavior(DumpableBehavior::NotDumpable).is_err() {
        tracing::warn!("the process cannot be made undumpable");
    }
}
