//! keepsight-gate
