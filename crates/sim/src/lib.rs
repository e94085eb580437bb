//! keepsight-sim
