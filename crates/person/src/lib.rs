//! keepsight-person
