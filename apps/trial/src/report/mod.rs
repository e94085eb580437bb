//! What a run has found, for people and for other programs: HTML with charts, JUnit, a table. It reads [`crate::verdict`] and judges nothing.
