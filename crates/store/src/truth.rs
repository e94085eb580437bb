//! Truth on SQLite: accounts, relations, sessions, the home chain. Small, and the only thing a decision is made from.
