//! keepsight-ledger
