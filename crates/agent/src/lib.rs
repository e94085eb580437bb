//! keepsight-agent
