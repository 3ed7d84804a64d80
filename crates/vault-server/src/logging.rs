//! One line of JSON on stderr for each event. Events name codes, counts and ids of connections,
//! and nothing that a caller wrote.

use tracing_subscriber::filter::EnvFilter;

/// Begins to log at this level; a second call in one process changes nothing.
pub(crate) fn start(level: &str) {
    // Libraries below are quiet: their spans could show what they carry.
    let filter = EnvFilter::new(format!("error,vault_server={level}"));
    let subscriber = tracing_subscriber::fmt()
        .json()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        // A complaint that stderr is gone would go to stderr, and end the process.
        .log_internal_errors(false)
        .finish();
    let _ = tracing::subscriber::set_global_default(subscriber);
}
