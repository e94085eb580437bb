//! keepsight-camera
