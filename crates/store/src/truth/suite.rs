//! What every backend of Truth must do.
