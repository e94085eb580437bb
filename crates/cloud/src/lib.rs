//! keepsight-cloud
