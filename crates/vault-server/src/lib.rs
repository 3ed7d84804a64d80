//! A vault as a process: sockets, sessions, configuration, commit loop.
