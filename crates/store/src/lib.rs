//! keepsight-store
