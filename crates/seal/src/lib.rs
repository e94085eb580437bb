//! keepsight-seal
